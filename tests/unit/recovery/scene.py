"""A database, its surroundings and its record: what a cutover works on, without servers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3

from recovery import cutover, restore
from recovery.clusters import Clusters
from recovery.restores import Restore, Restores
from recovery.settings import CutoverSettings, RestoreSettings
from recovery.surroundings import Surroundings
from recovery.takeover import Takeover
from streamflix import aws, hold
from streamflix.errors import EnvironmentHeld
from tests import tables
from tests.unit.recovery.rds import Mapping, Rds, Scaling

if TYPE_CHECKING:
    import pytest

    from recovery.table import Table
    from tests.clocks import Time

SOURCE, COPY = "streamflix-aurora-test", "streamflix-aurora-test-r1"
QUARANTINE, GROUPS = "sg-quarantine", ("sg-a", "sg-b")
OLD, NEW = "cluster-OLD", "cluster-NEW"
RUN, HOLD, BOOK = "a-run", "streamflix-hold-test", "/streamflix/test/aurora"
MARK = [{"Key": "Restore", "Value": RUN}, {"Key": "Project", "Value": "streamflix"}]

ENV = CutoverSettings(
    environment="test",
    incidents_table="streamflix-incidents-test",
    hold_table=HOLD,
    ops_bus="default",
    cluster_id=SOURCE,
    quarantine_group_id=QUARANTINE,
    address_book=BOOK,
    mapping_id="a-mapping",
    proxy_name="a-proxy",
)
MEASURED = {"measured": {"beatenAt": 9_940.0, "accounts": 100}}
DONE = {"replayed": {"accounts": 3}, "migrated": {"schemaVersion": 7}}


@dataclass
class Scene:
    """The stack's cluster with its instances, and a copy of it in quarantine."""

    restores: Restores
    time: Time
    rds: Rds = field(default_factory=Rds)
    mapping: Mapping = field(default_factory=Mapping)
    scaling: Scaling = field(default_factory=Scaling)

    def __post_init__(self) -> None:
        self.ssm: Any = boto3.client("ssm")
        for page, value in (("writer", "old:1"), ("reader", "old:2"), ("epoch", "4")):
            self.ssm.put_parameter(Name=f"{BOOK}/{page}", Value=value, Type="String")
        tables.create(boto3.client("dynamodb"), HOLD, "hold")
        self.rds.add(SOURCE, OLD, *GROUPS)
        for ending in ("-a", "-b"):
            self.rds.join(SOURCE, SOURCE + ending, writer=ending == "-a")
        self.rds.add(COPY, NEW, QUARANTINE, TagList=list(MARK))
        self.rds.join(COPY, f"{COPY}-b", writer=True, TagList=list(MARK))
        self.rds.targets = [SOURCE]

    def begun(self, run: str = RUN, **changes: Any) -> Restore:
        mode = changes.pop("mode", "cutover")
        at, copy = self.time() - 300, changes.pop("copy", COPY)
        return self.restores.begin(Restore(run, mode, at, copy, replaced=OLD, **changes))

    def step(self, step: str, run: str = RUN, **event: Any) -> dict[str, Any]:
        takeover = Takeover(SOURCE, QUARANTINE)
        doors = cutover.Doors(ENV, self.restores, takeover, Surroundings(ENV), self.time)
        return cutover.STEPS[step](run, event, doors)

    def restore(self, step: str, run: str = RUN, **event: Any) -> dict[str, Any]:
        env = RestoreSettings(
            environment="test",
            incidents_table=ENV.incidents_table,
            hold_table=HOLD,
            ops_bus="default",
            cluster_id=SOURCE,
            quarantine_group_id=QUARANTINE,
            master_secret_arn="arn",
            secret_arns=(),
            quarantine_days=7,
        )
        clusters = Clusters(SOURCE, [QUARANTINE])
        doors = restore.Doors(env, self.restores, clusters, self.time)
        return restore.STEPS[step](run, event, doors)

    def begin(self, run: str = RUN, mode: str = "cutover", confirm: str = OLD) -> dict[str, Any]:
        asked = {"mode": mode, "target": "latest", "confirm": confirm}
        return self.restore("begin", run, input=asked)

    def turned(self, run: str = RUN) -> Restore:
        self.begun(run)
        self.step("pause", run)
        self.step("fence", run, **MEASURED)
        self.step("turn", run, **DONE)
        return self.restores.known(run)

    def book(self) -> list[str]:
        pages = [f"{BOOK}/{page}" for page in ("writer", "reader", "epoch")]
        found = self.ssm.get_parameters(Names=pages)["Parameters"]
        values = {it["Name"]: it["Value"] for it in found}
        return [values[page] for page in pages]

    def holder(self) -> str:
        """Whose the environment is, by what somebody else is told."""
        try:
            hold.take(HOLD, "test", "test", "test", lease_seconds=1)
        except EnvironmentHeld as held:
            return str(held).partition("for: ")[2].partition(", until")[0]
        hold.release(HOLD, "test")
        return ""

    def let_go(self, run: str = RUN) -> None:
        """As when the lease of an execution that died has ended."""
        hold.release(HOLD, run)


def made(table: Table, time: Time, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene, real = Scene(Restores(table), time), aws.client
    faked = {
        "rds": scene.rds,
        "lambda": scene.mapping,
        "application-autoscaling": scene.scaling,
    }
    monkeypatch.setattr(aws, "client", lambda service: faked.get(service) or real(service))
    return scene
