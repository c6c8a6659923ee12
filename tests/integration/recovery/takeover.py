"""The platform around the cluster, and a cutover as the state machine goes through it."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recovery.cutover import STEPS, Doors
from recovery.errors import CopyNotReady
from recovery.restores import Restores
from recovery.settings import CutoverSettings
from recovery.surroundings import Surroundings
from recovery.table import Table
from recovery.takeover import Takeover
from schema import migrations
from tests import described
from tests.eventually import eventually
from tests.integration.local.laptop import CLUSTER
from tests.integration.recovery.platform import INCIDENTS, OF_A_STEP, PATIENCE_SECONDS, log_in

if TYPE_CHECKING:
    from tests.integration.local.laptop import Laptop
    from tests.integration.recovery.platform import Platform

BOOK, STREAM, PROXY = "/streamflix/drill/aurora", "playback-drill", "proxy-drill"
EVERYBODY = ["app", "analytics", "privacy", "recovery"]
SCALED = {
    "ServiceNamespace": "rds",
    "ResourceId": f"cluster:{CLUSTER}",
    "ScalableDimension": "rds:cluster:ReadReplicaCount",
}


@dataclass
class Stage:
    """What a cutover changes: a cluster in service, and all that leads to it."""

    platform: Platform
    mapping: str

    def doors(self) -> Doors:
        env = CutoverSettings(
            **OF_A_STEP, address_book=BOOK, mapping_id=self.mapping, proxy_name=PROXY
        )
        takeover = Takeover(CLUSTER, env.quarantine_group_id)
        return Doors(env, Restores(Table(INCIDENTS)), takeover, Surroundings(env))

    def step(self, run: str, step: str, **event: Any) -> dict[str, Any]:
        """As the state machine does: what may pass is tried again."""
        return eventually(
            lambda: self._tried(run, step, event), PATIENCE_SECONDS, lambda told: told is not None
        )

    def _tried(self, run: str, step: str, event: dict[str, Any]) -> Any:
        try:
            return STEPS[step](run, event, self.doors())
        except CopyNotReady:
            return None

    def confirmation(self) -> str:
        return str(self.platform.laptop.described()["DbClusterResourceId"])

    def take_over(self, run: str, target: str = "latest", confirm: str = "") -> None:
        """From the first state to the last; of a run that died, what is left of it."""
        platform = self.platform
        asked = {"mode": "cutover", "target": target, "confirm": confirm or self.confirmation()}
        turned = platform.step(run, "begin", input=asked)["turned"]
        self.step(run, "pause")
        done = {"replayed": {"accounts": 0}, "migrated": {"schemaVersion": 0}}
        if not turned:
            done = self.prepare(run)
        new = self.step(run, "turn", **done)
        platform.inside(new["address"], "open", logins=EVERYBODY, epoch=new["epoch"])
        self.step(run, "tell")
        platform.inside(new["address"], "count")
        self.step(run, "resume")
        self.step(run, "readers")
        platform.step(run, "clean")

    def prepare(self, run: str) -> dict[str, Any]:
        """Up to where the old cluster is fenced and the copy could take over."""
        platform = self.platform
        platform.step(run, "restore")
        address = platform.step(run, "instance")["address"]
        platform.step(run, "master")
        platform.inside(address, "logins")
        version = self.migrate(address)
        measured = platform.inside(address, "verify")
        old = self.step(run, "fence", measured=measured)
        platform.inside(old["address"], "logins", epoch=old["epoch"])
        return {"replayed": {"accounts": 2}, "migrated": {"schemaVersion": version}}

    def migrate(self, address: str) -> int:
        """As the schema's room does it."""
        host, _, port = address.rpartition(":")
        with contextlib.closing(self.platform.laptop.connect(host, int(port))) as master:
            master.autocommit = False
            migrations.apply(master, migrations.load())
            return migrations.version(master)

    def take_back(self, run: str, error: str = "CopyIncomplete") -> dict[str, Any]:
        """As after a state that gave up."""
        platform = self.platform
        platform.step(run, "fail", error=error)
        told = self.step(run, "undo")
        if told["reached"] == "fenced":
            platform.inside(told["address"], "open", logins=EVERYBODY)
        if told["reached"] != "turned":
            platform.step(run, "clean")
        return told

    def adopt(self) -> str:
        """Returns the name that the replaced cluster has now."""
        confirm = self.doors().restores.unadopted()
        asked = {"confirm": confirm.replacement if confirm else "nothing"}
        run = self.step("", "settle", input=asked)["run"]
        self.step(run, "aside")
        self.step(run, "in")
        return str(self.step(run, "finish")["replaced"])

    def forget(self, replaced: str) -> None:
        """There are ports for nine clusters."""
        clusters = self.doors().takeover.clusters

        def gone() -> bool:
            try:
                clusters.remove(replaced)
            except CopyNotReady:
                return False
            return True

        eventually(gone, PATIENCE_SECONDS)

    def book(self) -> dict[str, str]:
        names = [f"{BOOK}/{page}" for page in ("writer", "reader", "epoch")]
        found = self.platform.laptop.client("ssm").get_parameters(Names=names)["Parameters"]
        return {entry["Name"].rpartition("/")[2]: entry["Value"] for entry in found}

    def mapping_state(self) -> str:
        found = self.platform.laptop.client("lambda").get_event_source_mapping(UUID=self.mapping)
        return str(found["State"])

    def scaling(self) -> set[bool]:
        found = self.platform.laptop.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="rds"
        )
        return set(found["ScalableTargets"][0]["SuspendedState"].values())

    def described(self) -> dict[str, str]:
        return described.cluster(self.platform.laptop.client("rds"), CLUSTER)

    def target(self) -> str:
        targets = self.platform.laptop.client("rds").describe_db_proxy_targets(DBProxyName=PROXY)
        [tracked] = [each["TrackedClusterId"] for each in targets["Targets"]]
        return str(tracked)


def lets_in(platform: Platform, address: str) -> list[str]:
    return [user for user in EVERYBODY if not log_in(address, user, f"{user}-1", platform.ca)]


def surround(laptop: Laptop, arns: dict[str, str]) -> str:
    """Make what stands around the cluster; returns the mapping's id."""
    cluster = laptop.described()
    address = f"{cluster['Endpoint']}:{cluster['Port']}"
    for page, value in (("writer", address), ("reader", address), ("epoch", "1")):
        laptop.client("ssm").put_parameter(Name=f"{BOOK}/{page}", Value=value, Type="String")
    laptop.client("kinesis").create_stream(StreamName=STREAM, ShardCount=1)
    role = laptop.client("iam").create_role(RoleName=STREAM, AssumeRolePolicyDocument="{}")
    arn = role["Role"]["Arn"]
    reads = {"Effect": "Allow", "Action": "kinesis:*", "Resource": "*"}
    laptop.client("iam").put_role_policy(
        RoleName=STREAM,
        PolicyName="reads",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [reads]}),
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("consumer.py", "def handler(event, context):\n    return None\n")
    laptop.client("lambda").create_function(
        FunctionName=STREAM,
        Runtime="python3.14",
        Role=arn,
        Handler="consumer.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    stream = f"arn:aws:kinesis:eu-central-1:000000000000:stream/{STREAM}"
    mapping = laptop.client("lambda").create_event_source_mapping(
        FunctionName=STREAM, EventSourceArn=stream, StartingPosition="TRIM_HORIZON"
    )
    laptop.client("application-autoscaling").register_scalable_target(
        **SCALED, MinCapacity=2, MaxCapacity=4
    )
    subnets = [each["SubnetId"] for each in laptop.client("ec2").describe_subnets()["Subnets"]]
    rds = laptop.client("rds")
    rds.create_db_proxy(
        DBProxyName=PROXY,
        EngineFamily="POSTGRESQL",
        Auth=[{"AuthScheme": "SECRETS", "SecretArn": arns["app"]}],
        RoleArn=arn,
        VpcSubnetIds=subnets,
    )
    rds.register_db_proxy_targets(
        DBProxyName=PROXY, TargetGroupName="default", DBClusterIdentifiers=[CLUSTER]
    )
    return str(mapping["UUID"])
