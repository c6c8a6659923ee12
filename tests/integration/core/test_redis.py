"""A cluster client that outlives its invocation, over TLS that is checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from streamflix.errors import CredentialsRefused, RedisUnreachable
from streamflix.redis import Redis
from streamflix.secrets import Secret
from tests.integration.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from redis.cluster import RedisCluster

    from tests.integration.conftest import Servers


class Secrets:
    """Stages of one secret, in memory."""

    def __init__(self, servers: Servers) -> None:
        ops = servers.redis.ops
        self.stages = {"AWSCURRENT": {"username": ops.username, "password": ops.password}}

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        return {"SecretString": json.dumps(self.stages.get(VersionStage, {}))}


@pytest.fixture
def secrets(servers: Servers) -> Secrets:
    return Secrets(servers)


@pytest.fixture
def connect(secrets: Secrets, servers: Servers) -> Iterator[Callable[..., Redis]]:
    made: list[Redis] = []

    def make(port: int = servers.redis.port, ca_file: Path = servers.ca) -> Redis:
        secret = Secret("arn", client=secrets, sleep=lambda _: None)
        redis = Redis(servers.redis.host, port, secret, ca_file=ca_file)
        made.append(redis)
        return redis

    yield make
    for redis in made:
        redis.close()


def itself(cluster: RedisCluster) -> RedisCluster:
    return cluster


def test_keys_of_all_nodes_are_found_with_one_client(connect: Callable[..., Redis]) -> None:
    redis = connect()

    def there_and_back(cluster: Any) -> list[bytes]:
        for n in range(20):
            cluster.set(f"core:{n}", n, ex=60)
        return [cluster.get(f"core:{n}") for n in range(20)]

    assert redis.run(there_and_back) == [str(n).encode() for n in range(20)]
    assert redis.run(itself) is redis.run(itself)


def test_after_a_rotation_the_next_password_is_tried(
    connect: Callable[..., Redis], secrets: Secrets
) -> None:
    right = secrets.stages["AWSCURRENT"]
    secrets.stages = {"AWSCURRENT": {**right, "password": "old"}, "AWSPENDING": right}

    assert connect().run(lambda cluster: cluster.ping()) is True


def test_a_refused_login_is_not_called_an_outage(
    connect: Callable[..., Redis], secrets: Secrets
) -> None:
    secrets.stages["AWSCURRENT"]["password"] = "guessed"

    with pytest.raises(CredentialsRefused) as refusal:
        connect().run(lambda cluster: cluster.ping())

    assert "guessed" not in str(refusal.value)


def test_nobody_at_the_address_is_an_outage(
    connect: Callable[..., Redis], servers: Servers
) -> None:
    with Tap(f"{servers.redis.host}:{servers.redis.port}") as tap:
        tap.close()
        with pytest.raises(RedisUnreachable):
            connect(port=int(tap.address.rpartition(":")[2])).run(itself)


def test_another_authority_is_not_trusted(connect: Callable[..., Redis]) -> None:
    from pathlib import Path

    import certifi

    with pytest.raises(RedisUnreachable):
        connect(ca_file=Path(certifi.where())).run(itself)


def test_a_command_that_is_not_granted_is_not_called_a_refused_login(
    connect: Callable[..., Redis],
) -> None:
    def all_keys(cluster: Any) -> Any:
        return cluster.keys("*")

    with pytest.raises(RedisUnreachable, match="NoPermission"):
        connect().run(all_keys)


def test_an_outage_after_a_refused_login_is_an_outage(
    connect: Callable[..., Redis], secrets: Secrets
) -> None:
    right = secrets.stages["AWSCURRENT"]
    secrets.stages = {"AWSCURRENT": {**right, "password": "old"}, "AWSPENDING": right}

    def hang(_: Any) -> None:
        raise RedisTimeoutError("reading from socket")

    with pytest.raises(RedisUnreachable):
        connect().run(hang)
