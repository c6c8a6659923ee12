"""CloudFormation's own delete, watched; a failure whose cause is known is cured and tried again."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from account import tree
from account.destroy import unblock
from account.progress import Watch
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from account.destroy.scene import Scene

ROUNDS = 5
INTERFACES_SECONDS = 45 * 60
NAPS = {True: 0.5, False: 10.0}
"""Seconds between two looks, by whether it is the laptop."""


def delete(scene: Scene) -> None:
    """Until it is gone. Raises: `Refusal` with the reasons when it cannot go; safe to repeat."""
    if not scene.root.exists:
        return
    cloudformation = scene.at("cloudformation")
    _settle(scene)
    before: set[tuple[str, str]] = set()
    for _ in range(ROUNDS):
        cloudformation.delete_stack(StackName=scene.root.identity)
        if _settle(scene) == "DELETE_COMPLETE":
            return
        failed = tree.failures(cloudformation, scene.root.identity)
        again = {(each.path, each.reason) for each in failed}
        if again <= before or not _cure(scene, failed):
            raise Refusal(_explain(failed))
        before = again
    raise Refusal(_explain(failed))


def _settle(scene: Scene) -> str:
    """Wait for the running operation. Returns the status it ended in."""
    cloudformation = scene.at("cloudformation")
    watch = Watch(cloudformation, scene.root.identity)
    while True:
        status = _status(scene)
        if not status.endswith("_IN_PROGRESS"):
            return status
        scene.view.progress(f"{status.lower().replace('_', ' ')} · {watch.line()}")
        time.sleep(NAPS[scene.local])


def _status(scene: Scene) -> str:
    from botocore.exceptions import ClientError

    try:
        answer = scene.at("cloudformation").describe_stacks(StackName=scene.root.identity)
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return "DELETE_COMPLETE"
        raise
    status: str = answer["Stacks"][0]["StackStatus"]
    return status


def _cure(scene: Scene, failed: Iterable[tree.Resource]) -> bool:
    """Remove every cause that is known. False when one is not."""
    cures = [_cure_for(each) for each in failed]
    if not cures or None in cures:
        return False
    for cure in dict.fromkeys(cures):
        if cure is not None:
            cure(scene)
    return True


def _cure_for(resource: tree.Resource) -> Callable[[Scene], None] | None:
    for pattern, cure in CURES:
        if re.search(pattern, f"{resource.kind} {resource.reason}", re.IGNORECASE):
            return cure
    return None


def _wait_for_interfaces(scene: Scene) -> None:
    """Lambda gives its network interfaces back 20 to 40 minutes after the function went."""
    ec2, vpcs = scene.at("ec2"), scene.of_kind("AWS::EC2::VPC")

    def gone() -> bool:
        filters = [{"Name": "vpc-id", "Values": vpcs}]
        left = list(
            scene.each("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=filters)
        )
        mine = [each for each in left if each.get("Description", "").startswith("AWS Lambda VPC")]
        for each in mine:
            if each["Status"] == "available":
                ec2.delete_network_interface(NetworkInterfaceId=each["NetworkInterfaceId"])
        return not mine

    if vpcs:
        scene.wait("waiting for the functions' network interfaces", gone, INTERFACES_SECONDS, 20)


def _nap(scene: Scene) -> None:
    """What was in the way goes by itself; a function idle for weeks wakes up for the next try."""
    scene.view.progress("trying again")
    time.sleep(3 * NAPS[scene.local])


CURES: tuple[tuple[str, Callable[[Scene], None]], ...] = (
    (r"BucketNotEmpty|bucket you tried to delete is not empty", unblock.empty_buckets),
    (r"recovery point", unblock.empty_vaults),
    (r"deletion ?protection|cannot delete protected|termination ?protection", unblock.unlock),
    (r"still contains|contains DB instances|DB instances in non-deleting",
     unblock.remove_foreign_members),
    (r"dependent object|DependencyViolation|has dependencies|network ?interface|in use",
     _wait_for_interfaces),
    (r"throttl|rate exceeded|timed? ?out|stabiliz|internal|try again|AWS::Lambda::Function", _nap),
)  # fmt: skip


def _explain(failed: list[tree.Resource]) -> str:
    lines = [f"  {each.path} ({each.kind}): {each.reason}" for each in failed]
    return "\n".join(
        [
            "CloudFormation could not delete:",
            *lines,
            "Remove what holds it, then run the same command again: it goes on from here.",
        ]
    )
