"""What surrounds a cutover, with a memory: RDS, the stream's mapping, the scaling of readers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

Described = dict[str, Any]


def refused(code: str, operation: str = "Call") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "by the test"}}, operation)


def arn(kind: str, name: str) -> str:
    return f"arn:aws:rds:eu-central-1:123456789012:{kind}:{name}"


@dataclass
class Rds:
    """Clusters and instances by name; what is asked of them is done at once."""

    clusters: dict[str, Described] = field(default_factory=dict)
    instances: dict[str, Described] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)
    """Clusters behind the proxy."""
    proxied: list[str] = field(default_factory=list)
    """What was asked of the proxy, in order."""
    changed: list[str] = field(default_factory=list)
    """What was changed, in order."""

    def add(self, name: str, resource_id: str, *groups: str, **more: Any) -> Described:
        self.clusters[name] = {
            "DBClusterIdentifier": name,
            "DBClusterArn": arn("cluster", name),
            "DbClusterResourceId": resource_id,
            "Status": "available",
            "Endpoint": f"{name}.cluster",
            "ReaderEndpoint": f"{name}.cluster-ro",
            "Port": 5432,
            "VpcSecurityGroups": [{"VpcSecurityGroupId": group} for group in groups],
            "DBClusterMembers": [],
            "ClusterCreateTime": datetime(2026, 11, 30, tzinfo=UTC),
            **more,
        }
        return self.clusters[name]

    def join(self, cluster: str, name: str, *, writer: bool = False, **more: Any) -> None:
        self.instances[name] = {
            "DBInstanceIdentifier": name,
            "DBInstanceArn": arn("db", name),
            "DBClusterIdentifier": cluster,
            "DBInstanceStatus": "available",
            "DBInstanceClass": "db.serverless",
            "Engine": "aurora-postgresql",
            **more,
        }
        member = {"DBInstanceIdentifier": name, "IsClusterWriter": writer}
        self.clusters[cluster]["DBClusterMembers"].append(member)

    def worn(self, name: str) -> set[str]:
        return {it["VpcSecurityGroupId"] for it in self.clusters[name]["VpcSecurityGroups"]}

    # --- As boto3's client ---

    def describe_db_clusters(self, **asked: Any) -> dict[str, Any]:
        if name := asked.get("DBClusterIdentifier"):
            return {"DBClusters": [self._cluster(name)]}
        ids = [value for it in asked.get("Filters", []) for value in it["Values"]]
        every = self.clusters.values()
        return {
            "DBClusters": [it for it in every if not ids or it["DbClusterResourceId"] in ids],
        }

    def describe_db_instances(self, **asked: Any) -> dict[str, Any]:
        if name := asked.get("DBInstanceIdentifier"):
            if name not in self.instances:
                raise refused("DBInstanceNotFound")
            return {"DBInstances": [self.instances[name]]}
        [only] = asked["Filters"][0]["Values"]
        every = self.instances.values()
        return {"DBInstances": [it for it in every if it["DBClusterIdentifier"] == only]}

    def get_paginator(self, operation: str) -> Any:
        call: Callable[..., Any] = getattr(self, operation)

        class Pages:
            paginate = staticmethod(lambda **asked: [call(**asked)])

        return Pages()

    def modify_db_cluster(self, **asked: Any) -> dict[str, Any]:
        name = asked.pop("DBClusterIdentifier")
        found = self._cluster(name)
        self.changed.append(name)
        for group in [asked.pop("VpcSecurityGroupIds", None)]:
            if group is not None:
                found["VpcSecurityGroups"] = [{"VpcSecurityGroupId": it} for it in group]
        if new := asked.pop("NewDBClusterIdentifier", ""):
            if new in self.clusters:
                raise refused("DBClusterAlreadyExistsFault")
            self.clusters[new] = self.clusters.pop(name)
            found["DBClusterIdentifier"], found["DBClusterArn"] = new, arn("cluster", new)
            found["Endpoint"], found["ReaderEndpoint"] = f"{new}.cluster", f"{new}.cluster-ro"
            for instance in self.instances.values():
                if instance["DBClusterIdentifier"] == name:
                    instance["DBClusterIdentifier"] = new
        found.update(asked)
        return {}

    def modify_db_instance(self, **asked: Any) -> dict[str, Any]:
        name = asked.pop("DBInstanceIdentifier")
        self.changed.append(name)
        found = self.instances[name]
        if new := asked.pop("NewDBInstanceIdentifier", ""):
            if new in self.instances:
                raise refused("DBInstanceAlreadyExists")
            self.instances[new] = self.instances.pop(name)
            found["DBInstanceIdentifier"], found["DBInstanceArn"] = new, arn("db", new)
            self._member(name)["DBInstanceIdentifier"] = new
        found.update(asked)
        return {}

    def failover_db_cluster(self, **asked: Any) -> dict[str, Any]:
        name = asked["DBClusterIdentifier"]
        self.changed.append(name)
        for member in self._cluster(name)["DBClusterMembers"]:
            heir = member["DBInstanceIdentifier"] == asked["TargetDBInstanceIdentifier"]
            member["IsClusterWriter"] = heir
        return {}

    def create_db_instance(self, **asked: Any) -> dict[str, Any]:
        self._cluster(asked["DBClusterIdentifier"])
        tags = {"TagList": asked["Tags"]}
        self.join(asked["DBClusterIdentifier"], asked["DBInstanceIdentifier"], **tags)
        return {}

    def delete_db_instance(self, **asked: Any) -> dict[str, Any]:
        del self.instances[asked["DBInstanceIdentifier"]]
        return {}

    def delete_db_cluster(self, **asked: Any) -> dict[str, Any]:
        del self.clusters[asked["DBClusterIdentifier"]]
        return {}

    def remove_tags_from_resource(self, **asked: Any) -> dict[str, Any]:
        kind, name = asked["ResourceName"].split(":")[-2:]
        self.changed.append(name)
        found = self._cluster(name) if kind == "cluster" else self.instances[name]
        found["TagList"] = [it for it in found["TagList"] if it["Key"] not in asked["TagKeys"]]
        return {}

    def describe_db_proxy_targets(self, **_: Any) -> dict[str, Any]:
        instances = [{"RdsResourceId": f"{it}-a", "Type": "RDS_INSTANCE"} for it in self.targets]
        return {"Targets": [*instances, *({"TrackedClusterId": it} for it in self.targets)]}

    def deregister_db_proxy_targets(self, **asked: Any) -> dict[str, Any]:
        self.proxied += [f"-{it}" for it in asked["DBClusterIdentifiers"]]
        self.targets = [it for it in self.targets if it not in asked["DBClusterIdentifiers"]]
        return {}

    def register_db_proxy_targets(self, **asked: Any) -> dict[str, Any]:
        self.proxied += [f"+{it}" for it in asked["DBClusterIdentifiers"]]
        self.targets += asked["DBClusterIdentifiers"]
        return {}

    def _member(self, name: str) -> Described:
        members = [it for each in self.clusters.values() for it in each["DBClusterMembers"]]
        return next(it for it in members if it["DBInstanceIdentifier"] == name)

    def _cluster(self, name: str) -> Described:
        if name not in self.clusters:
            raise refused("DBClusterNotFoundFault")
        return self.clusters[name]


@dataclass
class Mapping:
    """The consumer's mapping."""

    state: str = "Enabled"

    def get_event_source_mapping(self, **_: Any) -> dict[str, Any]:
        return {"State": self.state}

    def update_event_source_mapping(self, *, Enabled: bool, **_: Any) -> dict[str, Any]:  # noqa: N803
        if self.state.endswith("ing"):
            raise refused("ResourceInUseException", "UpdateEventSourceMapping")
        self.state = "Enabled" if Enabled else "Disabled"
        return {}


class Scaling:
    """The scaling of the cluster's readers."""

    class exceptions:  # noqa: N801  as boto3 has it
        ValidationException = ClientError

    def __init__(self) -> None:
        self.suspended: dict[str, bool] = {}
        self.there, self.refuses = True, False

    def describe_scalable_targets(self, **_: Any) -> dict[str, Any]:
        return {"ScalableTargets": [{"SuspendedState": self.suspended}] if self.there else []}

    def register_scalable_target(self, *, SuspendedState: dict[str, bool], **_: Any) -> None:  # noqa: N803
        if self.refuses:
            raise refused("ValidationException")
        self.suspended = SuspendedState
