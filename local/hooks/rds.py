"""Gap: MiniStack's Aurora clusters are records; without Docker no server stands behind them.

Here each Aurora PostgreSQL cluster is a `local.postgres_cluster.Cluster`, made and ended with its
record, by a stack as by the API. What Describe says is asked of the servers: the endpoints, which
member writes, and from when to when a point in time could be restored.

Not emulated: an instance's own endpoint is that of its role, and an action answers only when it is
done, so no member is ever seen `creating` or `modifying`.

Test: tests/integration/local/test_rds_hook.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import rds
from ministack.services.cloudformation import provisioners

from local import databases, resource_types
from local.hooks import rds_actions, rds_metrics, rds_rename, rds_restore

if TYPE_CHECKING:
    from local.context import Cloud
    from local.databases import Databases
    from local.resource_types import Created, Properties

PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    *rds_actions.PATCHES,
    *databases.PATCHES,
    *rds_metrics.PATCHES,
    *rds_rename.PATCHES,
    *rds_restore.PATCHES,
    "ministack.services.cloudformation.provisioners:_rds_db_cluster_attrs",
    "ministack.services.cloudformation.provisioners:_rds_db_cluster_create",
    "ministack.services.cloudformation.provisioners:_rds_db_cluster_delete",
    "ministack.services.cloudformation.provisioners:_rds_db_instance_attrs",
    "ministack.services.cloudformation.provisioners:_rds_db_instance_create",
    "ministack.services.cloudformation.provisioners:_rds_db_instance_delete",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_instances",
    "ministack.services.rds:_tags",
)
TYPES: tuple[str, ...] = ("AWS::RDS::DBCluster", "AWS::RDS::DBInstance")


def install(cloud: Cloud) -> None:
    servers = databases.of(cloud)
    _install_types(servers)
    rds_restore.install(servers)  # before the actions are followed: it creates a record by stock
    rds_actions.install(servers)
    rds_rename.install(servers)
    rds_metrics.install(cloud, servers)
    resource_types.on_a_thread(*TYPES)


def _install_types(servers: Databases) -> None:
    handlers = provisioners._RESOURCE_HANDLERS
    cluster, instance = (dict(handlers[kind]) for kind in TYPES)

    def create_cluster(logical_id: str, properties: Properties, stack: str) -> Created:
        name, _ = cluster["create"](logical_id, properties, stack)
        servers.found(name)
        rds._tags[rds._clusters[name]["DBClusterArn"]] = rds._clusters[name]["TagList"]
        return name, provisioners._rds_db_cluster_attrs(rds._clusters[name])

    def update_cluster(
        name: str, old: Properties, new: Properties, stack: str, logical_id: str
    ) -> Created:
        updated, _ = cluster["update"](name, old, new, stack, logical_id)
        if updated == name and old.get("MasterUserPassword") != new.get("MasterUserPassword"):
            servers.change_password(name)
        rds._tags[rds._clusters[updated]["DBClusterArn"]] = rds._clusters[updated]["TagList"]
        servers.refresh(updated)
        return updated, provisioners._rds_db_cluster_attrs(rds._clusters[updated])

    def delete_cluster(name: str, properties: Properties) -> None:
        cluster["delete"](name, properties)
        servers.abandon(name)

    def create_instance(logical_id: str, properties: Properties, stack: str) -> Created:
        name, _ = instance["create"](logical_id, properties, stack)
        servers.join(name)
        return name, provisioners._rds_db_instance_attrs(rds._instances[name])

    def delete_instance(name: str, properties: Properties) -> None:
        instance["delete"](name, properties)
        servers.leave(name)

    handlers[TYPES[0]] |= {
        "create": create_cluster,
        "update": update_cluster,
        "delete": delete_cluster,
    }
    handlers[TYPES[1]] |= {"create": create_instance, "delete": delete_instance}
    # A replacement inside the stock update handlers calls these by their names.
    provisioners._rds_db_cluster_create = create_cluster
    provisioners._rds_db_cluster_delete = delete_cluster
    provisioners._rds_db_instance_create = create_instance
    provisioners._rds_db_instance_delete = delete_instance
