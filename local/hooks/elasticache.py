"""Gap: MiniStack's replication groups need Docker, and its users are records without passwords.

Here each group in cluster mode is a `local.valkey_cluster.Cluster` of as many primaries, one at
least, and the users of its user groups are real: the passwords and access strings of the records,
at once, on every node.

Not emulated: replicas (they are recorded only), groups without cluster mode, AUTH tokens.

Test: tests/integration/local/test_elasticache_hook.py
"""

from __future__ import annotations

import threading
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.services import elasticache

from local import elasticache_request, resource_types
from local.valkey_cluster import ADDRESS, Cluster, Ground

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

    Parameters = dict[str, Any]
    Answer = tuple[int, dict[str, str], bytes]
    Action = Callable[[Parameters], Answer]

PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    "ministack.services.elasticache:_DOCKER_BACKED_ACTIONS",
    "ministack.services.elasticache:_create_replication_group",
    "ministack.services.elasticache:_create_user",
    "ministack.services.elasticache:_create_user_group",
    "ministack.services.elasticache:_delete_replication_group",
    "ministack.services.elasticache:_delete_user",
    "ministack.services.elasticache:_delete_user_group",
    "ministack.services.elasticache:_modify_replication_group",
    "ministack.services.elasticache:_modify_user",
    "ministack.services.elasticache:_modify_user_group",
    "ministack.services.elasticache:_p",
    "ministack.services.elasticache:_replication_groups",
    "ministack.services.elasticache:_spawn_redis_container",
    "ministack.services.elasticache:_user_groups",
    "ministack.services.elasticache:_users",
)
TYPES: tuple[str, ...] = (
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::ElastiCache::User",
    "AWS::ElastiCache::UserGroup",
)

PORTS = range(10, 30)
"""Of an instance's ports: one for each primary's endpoint, and its bus twenty above."""

BUS = 20


def install(cloud: Cloud) -> None:
    caches = Caches(cloud)
    elasticache._spawn_redis_container = caches.place(elasticache._spawn_redis_container)
    elasticache._create_replication_group = caches.create(elasticache._create_replication_group)
    _after("_delete_replication_group", caches.delete)
    _after("_modify_replication_group", caches.follow)
    for verb in ("create", "modify", "delete"):
        _after(f"_{verb}_user", caches.follow if verb == "delete" else caches.keep_passwords)
        _after(f"_{verb}_user_group", caches.follow)
        # These block now, so they leave the gateway's loop.
        kinds = f"{verb.title()}User", f"{verb.title()}UserGroup"
        elasticache._DOCKER_BACKED_ACTIONS.update(kinds)
    resource_types.on_a_thread(*TYPES)


def _after(name: str, follow: Callable[[Parameters], None]) -> None:
    """The API and CloudFormation both look these functions up when they call them."""
    stock: Action = getattr(elasticache, name)

    def run(parameters: Parameters) -> Answer:
        answer = stock(parameters)
        if answer[0] == HTTPStatus.OK:
            follow(parameters)
        return answer

    setattr(elasticache, name, run)


class Caches:
    """The servers behind the records. Thread safe."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lock = threading.RLock()
        self._clusters: dict[str, Cluster] = {}
        self._serving: set[str] = set()
        self._passwords: dict[str, list[str]] = {}

    @cached_property
    def _ground(self) -> Ground:
        cloud = self._cloud
        return Ground.at(cloud.state, cloud.instance.logs, cloud.supervisor, cloud.endpoints)

    def create(self, stock: Action) -> Action:
        """Open the endpoints, let the record be made of them, then start what is behind."""

        def run(parameters: Parameters) -> Answer:
            name = elasticache._p(parameters, "ReplicationGroupId")
            shards = elasticache_request.shards(parameters)
            if not shards or name in self._clusters:
                return stock(parameters)
            cluster = self._reserve(name, shards)
            try:
                answer = stock(parameters)
                if answer[0] == HTTPStatus.OK:
                    record = elasticache._replication_groups[name]
                    record["ConfigurationEndpoint"] = record["NodeGroups"][0]["PrimaryEndpoint"]
                    record["ClusterEnabled"] = True
                    cluster.create()
                    self._serving.add(name)
                    self.follow(parameters)
                    return answer
            except BaseException:
                elasticache._replication_groups.pop(name, None)
                self._release(name)
                raise
            self._release(name)
            return answer

        return run

    def delete(self, parameters: Parameters) -> None:
        self._release(elasticache._p(parameters, "ReplicationGroupId"))

    def place(self, stock: Callable[..., tuple[str, int, str | None]]) -> Callable[..., Any]:
        """Where a shard's endpoint is, when MiniStack is about to start a container for it."""

        def run(*given: Any, labels: dict[str, str], **named: Any) -> tuple[str, int, str | None]:
            cluster = self._clusters.get(labels.get("rg_id", ""))
            if cluster is None:
                return stock(*given, labels=labels, **named)
            return ADDRESS, cluster.ports[int(labels["node_group"]) - 1], None

        return run

    def keep_passwords(self, parameters: Parameters) -> None:
        """A user's new passwords take the place of all it had."""
        user = elasticache._users[elasticache._p(parameters, "UserId")]
        passwords = elasticache_request.passwords(parameters)
        if passwords is not None:
            self._passwords[user["UserId"]] = passwords
            kind = "password" if passwords else "no-password"
            user["Authentication"] = {"Type": kind, "PasswordCount": len(passwords)}
        self.follow(parameters)

    def follow(self, _: Parameters) -> None:
        """Give every cluster the users that the records give it, and no others."""
        with self._lock:
            for name in self._serving:
                cluster, record = self._clusters[name], elasticache._replication_groups.get(name)
                if record is None:
                    continue  # the request came for another region
                groups = map(elasticache._user_groups.get, record["UserGroupIds"])
                ids = {user for group in groups if group for user in group["UserIds"]}
                # One that says nothing about a password gets no entry, least of all a free one.
                known = [
                    user for user in ids & self._passwords.keys() if user in elasticache._users
                ]
                users = [elasticache._users[user] for user in known]
                for user in users:
                    passwords = self._passwords[user["UserId"]]
                    cluster.set_user(user["UserName"], user["AccessString"], passwords)
                for gone in cluster.users() - {user["UserName"] for user in users}:
                    cluster.remove_user(gone)

    def _reserve(self, name: str, shards: int) -> Cluster:
        with self._lock:
            first = self._cloud.instance.port_base
            taken = {port for cluster in self._clusters.values() for port in cluster.ports}
            ports = [first + n for n in PORTS if first + n not in taken][:shards]
            buses = [port + BUS for port in ports]
            cluster = self._clusters[name] = Cluster(self._ground, name, ports, buses)
        self._cloud.at_exit.callback(cluster.delete)
        return cluster

    def _release(self, name: str) -> None:
        with self._lock:
            self._serving.discard(name)
            cluster = self._clusters.pop(name, None)
        if cluster is not None:
            cluster.delete()
