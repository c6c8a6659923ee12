"""What belongs to the cluster and is none of it: the stream's mapping, the scaling of readers, the
address book, the proxy's target."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from recovery.clusters import tolerating
from streamflix import aws, log
from streamflix.errors import AddressUnknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recovery.settings import CutoverSettings

logger = log.get("recovery")

READERS = {"ServiceNamespace": "rds", "ScalableDimension": "rds:cluster:ReadReplicaCount"}
SUSPENSIONS = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)
TARGETS = {"TargetGroupName": "default"}
# A proxy may know a cluster by the name that it had.
NO_TARGET = {"DBProxyTargetNotFoundFault", "DBClusterNotFoundFault"}
A_TARGET = {"DBProxyTargetAlreadyRegisteredFault"}


class Surroundings:
    """Each method looks first and may be repeated. Raises boto3's errors, `AddressUnknown`."""

    def __init__(self, env: CutoverSettings) -> None:
        self._env = env

    def pause(self) -> None:
        """Nobody is called to count events in vain, or adds readers to a cluster that goes."""
        if self._mapping()["State"] not in {"Disabling", "Disabled"}:
            self._enable(False)
        self._suspend(True)

    def resume_stream(self) -> None:
        if self._mapping()["State"] not in {"Enabling", "Enabled"}:
            self._enable(True)

    def resume_scaling(self) -> None:
        self._suspend(False)

    def epoch(self) -> int:
        """The life that is in service by the address book."""
        answer = aws.client("ssm").get_parameters(Names=[f"{self._env.address_book}/epoch"])
        for entry in answer["Parameters"]:
            return int(entry["Value"])
        raise AddressUnknown("the address book lacks epoch")

    def lead_to(self, cluster: Mapping[str, Any], epoch: int) -> None:
        """Turn the book's pages and the proxy's target. The epoch goes last: until it is there, who
        has found the new address is refused, and the old address lets nobody in."""
        port = cluster["Port"]
        pages = {
            "writer": f"{cluster['Endpoint']}:{port}",
            "reader": f"{cluster['ReaderEndpoint']}:{port}",
            "epoch": str(epoch),
        }
        ssm = aws.client("ssm")
        for page, value in pages.items():
            ssm.put_parameter(Name=f"{self._env.address_book}/{page}", Value=value, Overwrite=True)
        if self._env.proxy_name:
            self._lead_proxy(cluster["DBClusterIdentifier"])

    def _lead_proxy(self, name: str) -> None:
        rds, where = aws.client("rds"), {"DBProxyName": self._env.proxy_name} | TARGETS
        targets = rds.describe_db_proxy_targets(**where)["Targets"]
        tracked = {each["TrackedClusterId"] for each in targets if each.get("TrackedClusterId")}
        # Pooled sessions stay on the old cluster until it is no target any more.
        if others := sorted(tracked - {name}):
            leave = partial(rds.deregister_db_proxy_targets, DBClusterIdentifiers=others)
            tolerating(NO_TARGET, partial(leave, **where))
        if name not in tracked:
            join = partial(rds.register_db_proxy_targets, DBClusterIdentifiers=[name])
            tolerating(A_TARGET, partial(join, **where))

    def _mapping(self) -> Any:
        return aws.client("lambda").get_event_source_mapping(UUID=self._env.mapping_id)

    def _enable(self, enabled: bool) -> None:
        aws.client("lambda").update_event_source_mapping(UUID=self._env.mapping_id, Enabled=enabled)

    def _suspend(self, suspended: bool) -> None:
        scaling = aws.client("application-autoscaling")
        target = READERS | {"ResourceId": f"cluster:{self._env.cluster_id}"}
        found = scaling.describe_scalable_targets(
            ServiceNamespace=target["ServiceNamespace"],
            ScalableDimension=target["ScalableDimension"],
            ResourceIds=[target["ResourceId"]],
        )["ScalableTargets"]
        wanted = dict.fromkeys(SUSPENSIONS, suspended)
        if not found or found[0].get("SuspendedState", {}) == wanted:
            return
        try:
            scaling.register_scalable_target(**target, SuspendedState=wanted)
        except scaling.exceptions.ValidationException as error:
            # It looks whether its caller may do all that scaling does. Somebody waits for the
            # database: a reader too many is the smaller harm.
            logger.warning("scaling goes on as it did", extra={"reason": aws.reason(error)})
