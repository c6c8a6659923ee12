"""The eraser's stores as it meets them: real PostgreSQL and Valkey, a folder for EFS.

Two people are seeded: one who asks to be forgotten, and one who must not notice.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from privacy import data_map
from privacy.database import Database as Eraser
from privacy.database import Person
from privacy.files import Files
from privacy.remains import Known, Search
from privacy.sessions import Sessions
from streamflix import aws
from streamflix.addresses import AddressBook
from streamflix.postgres import Postgres
from streamflix.redis import Redis
from streamflix.secrets import Secret
from tests.integration.local.laptop import launched
from tests.integration.privacy import desk as desk_of
from tests.integration.privacy import flow as flow_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from redis.cluster import RedisCluster

    from privacy.settings import Settings
    from tests.integration.conftest import Database, Servers
    from tests.integration.local.laptop import Laptop

ROWS = {  # of one person whom `settle` gives data
    "app.account": 1,
    "app.device": 1,
    "app.invoice": 4,
    "app.profile": 2,
    "app.rating": 6,
    "app.watch_history": 30,
}
KEY = b"k" * 32
WRAPPED = b"wrapped"


class Parameters:
    """Parameter Store, as far as the address book reads it."""

    def __init__(self, servers: Servers) -> None:
        self.values = {"writer": servers.postgres.writer, "reader": servers.postgres.reader}
        self.values["epoch"] = "1"

    def get_parameters(self, *, Names: list[str]) -> Mapping[str, Any]:  # noqa: N803
        pairs = [(name, self.values[name.rpartition("/")[2]]) for name in Names]
        return {"Parameters": [{"Name": name, "Value": value} for name, value in pairs]}


@dataclass
class Credentials:
    """Secrets Manager, as far as a login reads it."""

    username: str
    password: str

    def get_secret_value(self, **_: str) -> Mapping[str, Any]:
        login = {"username": self.username, "password": self.password}
        return {"SecretString": json.dumps(login)}


@dataclass
class Stores:
    """The rooms' doors to the stores, and the tests' own eyes."""

    servers: Servers
    database: Database
    cluster: RedisCluster
    folder: Path
    book: AddressBook = field(init=False)
    opened: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parameters = Parameters(self.servers)
        self.book = AddressBook("/book", client=self.parameters, ttl_seconds=0)

    def postgres(self, endpoint: Any = "writer") -> Postgres:
        login = self.database.login("privacy")
        postgres = Postgres(
            self.book,
            endpoint,
            Secret("privacy", client=Credentials(login.username, login.password)),
            application_name="test",
            ca_file=self.servers.ca,
        )
        self.opened.append(postgres)
        return postgres

    def redis(self) -> Redis:
        login = self.servers.redis.ops
        secret = Secret("redis/ops", client=Credentials(login.username, login.password))
        redis = Redis(
            self.servers.redis.host, self.servers.redis.port, secret, ca_file=self.servers.ca
        )
        self.opened.append(redis)
        return redis

    def eraser(self) -> Eraser:
        return Eraser(self.book, self.postgres(), data_map.ours())

    def sessions(self) -> Sessions:
        return Sessions(self.redis())

    def files(self) -> Files:
        return Files(self.folder, data_map.ours().paths)

    def search(self) -> Search:
        return Search(
            self.postgres(), self.postgres("reader"), self.redis(), self.folder, data_map.ours()
        )

    def rows(self, query: str, *values: Any, role: str = "app_rw") -> list[tuple[Any, ...]]:
        return self.database.rows(role, query, values)

    def dump(self, account: uuid.UUID) -> dict[str, list[Any]]:
        """Everything that the stores hold about an account, for comparing."""
        about = (str(account),)
        profiles = "SELECT profile_id FROM app.profile WHERE account_id = %s"
        tables = {
            "app.account": "account_id = %s",
            "app.profile": "account_id = %s",
            "app.device": "account_id = %s",
            "app.invoice": "account_id = %s",
            "app.watch_history": f"profile_id IN ({profiles})",
            "app.rating": f"profile_id IN ({profiles})",
        }
        found: dict[str, list[Any]] = {
            table: self.rows(f"SELECT t.*::text FROM {table} AS t WHERE {owned} ORDER BY 1", *about)
            for table, owned in tables.items()
        }
        found["redis"] = sorted(self.cluster.scan_iter(match=f"*{account}*"))
        found["files"] = sorted(
            str(path.relative_to(self.folder)) + ":" + path.read_text()
            for path in self.folder.glob(f"accounts/{account}/**/*")
            if path.is_file()
        )
        return found


@dataclass
class Somebody:
    """A person with data in every table, key pattern and folder."""

    mark: str
    email: str
    account: uuid.UUID = field(default_factory=uuid.uuid4)
    profiles: list[uuid.UUID] = field(default_factory=lambda: [uuid.uuid4(), uuid.uuid4()])
    devices: list[uuid.UUID] = field(default_factory=lambda: [uuid.uuid4()])

    @property
    def person(self) -> Person:
        return Person(self.account)

    @property
    def known(self) -> Known:
        return Known(self.account, [*self.profiles, *self.devices])


@pytest.fixture
def stores(
    servers: Servers, database: Database, redis_ops: RedisCluster, tmp_path: Path
) -> Iterator[Stores]:
    database.do("app_owner", "TRUNCATE app.account CASCADE")
    database.do("catalog_owner", "DELETE FROM catalog.title")
    database.do(
        "privacy_owner",
        "TRUNCATE privacy.tombstone, privacy.erasure, privacy.retained_invoice;"
        "UPDATE privacy.fence SET epoch = 0, wrapped_key = NULL",
    )
    database.do(
        "catalog_owner",
        "INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)"
        " SELECT 'title-' || n, 'film', 'A film', 'drama', 6000 FROM generate_series(1, 20) AS n",
    )
    stores = Stores(servers, database, redis_ops, tmp_path)
    yield stores
    for key in redis_ops.scan_iter(match="session*"):
        redis_ops.delete(key)
    for each in stores.opened:
        each.close()


@pytest.fixture
def somebody(stores: Stores) -> Somebody:
    return settle(stores, "canary-a")


@pytest.fixture
def neighbour(stores: Stores) -> Somebody:
    return settle(stores, "canary-b")


def settle(stores: Stores, mark: str, watched: int = 30, email: str = "") -> Somebody:
    """Give somebody data everywhere; an address of his own, because requests outlive a test."""
    who = Somebody(mark, email or f"{mark}-{uuid.uuid4().hex[:8]}@example.org")
    profiles, devices = map(str, who.profiles), map(str, who.devices)
    profile_ids, device_ids = list(profiles), list(devices)
    with stores.database.master("app_owner") as cursor:
        cursor.execute(
            "INSERT INTO app.account (account_id, email, country) VALUES (%s, %s, 'DE')",
            (str(who.account), who.email),
        )
        for number, profile in enumerate(profile_ids):
            cursor.execute(
                "INSERT INTO app.profile (profile_id, account_id, name) VALUES (%s, %s, %s)",
                (profile, str(who.account), f"{mark}-{number}"),
            )
            cursor.execute(
                "INSERT INTO app.watch_history (profile_id, session_id, title_id, stopped_at,"
                " position_s, watched_s, device) SELECT %s, gen_random_uuid(), 'title-' || n %% 20,"
                " now() - n * interval '1 hour', 10 * n, 30, 'tv' FROM generate_series(1, %s) n",
                (profile, watched // len(profile_ids)),
            )
            cursor.execute(
                "INSERT INTO app.rating (profile_id, title_id, stars)"
                " SELECT %s, 'title-' || n, 4 FROM generate_series(1, 3) AS n",
                (profile,),
            )
        for device in device_ids:
            cursor.execute(
                "INSERT INTO app.device (device_id, account_id, kind, label)"
                " VALUES (%s, %s, 'tv', %s)",
                (device, str(who.account), f"{mark}'s"),
            )
        cursor.execute(
            "INSERT INTO app.invoice (account_id, issued_on, amount_cents, vat_cents)"
            " SELECT %s, date '2025-11-30' - n * 31, 1299, 207 FROM generate_series(0, 3) AS n",
            (str(who.account),),
        )
    for number in range(3):
        session = f"{mark}-session-{number}"
        key = f"session:{{{who.account}}}:{session}"
        stores.cluster.hset(key, mapping={"profile_id": profile_ids[0], "ip": "192.0.2.7"})
        stores.cluster.expire(key, 3600)
        stores.cluster.sadd(f"sessions:{{{who.account}}}", session)
    stores.cluster.expire(f"sessions:{{{who.account}}}", 3600)
    folder = stores.folder / "accounts" / str(who.account) / "pictures"
    folder.mkdir(parents=True)
    (folder / "avatar.svg").write_text(f"<svg>{mark}</svg>")
    return who


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with launched(tmp_path_factory.mktemp("privacy")) as laptop:
        yield laptop


@pytest.fixture(scope="session")
def furnished(laptop: Laptop, servers: Servers, database: Database) -> Settings:
    login = database.login("privacy"), servers.redis.ops
    return flow_of.furnish(laptop, servers, *login)


@pytest.fixture
def flow(
    laptop: Laptop, furnished: Settings, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> Iterator[flow_of.Flow]:
    """While it lasts, this process's clients of AWS are pointed at the laptop cloud."""
    for name, value in flow_of.sealed(laptop).items():
        monkeypatch.setenv(name, value)
    aws.client.cache_clear()
    env = replace(furnished, files_root=str(stores.folder))
    yield flow_of.Flow(laptop, stores, env)
    aws.client.cache_clear()


@pytest.fixture(scope="session")
def machine(laptop: Laptop) -> str:
    return desk_of.machine(laptop)


@pytest.fixture
def desk(
    flow: flow_of.Flow, machine: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[desk_of.Desk]:
    with desk_of.opened(flow, machine, monkeypatch) as desk:
        yield desk
