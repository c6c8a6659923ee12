"""A stack with everything nested in it, as one list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK = "AWS::CloudFormation::Stack"

# What CloudFormation says about the innocent.
_ECHOES = ("cancelled", "Embedded stack", "The following resource(s) failed", "Resource update")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one stack of the tree; `place` is the path of logical ids to its stack."""

    place: str
    logical: str
    kind: str
    physical: str
    status: str
    reason: str = ""

    @property
    def path(self) -> str:
        return f"{self.place}/{self.logical}" if self.place else self.logical


@dataclass(frozen=True, slots=True)
class Root:
    """The newest stack of a name, also when it was deleted in the last 90 days."""

    identity: str
    status: str

    @property
    def exists(self) -> bool:
        return self.status not in ("", "DELETE_COMPLETE", "REVIEW_IN_PROGRESS")


def root(cloudformation: Any, name: str) -> Root:
    """Status and id; both empty when there never was one."""
    from botocore.exceptions import ClientError

    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in error.response["Error"]["Message"]:
            raise
        return _deleted(cloudformation, name)
    return Root(found["StackId"], found["StackStatus"])


def resources(cloudformation: Any, stack: str, place: str = "") -> Iterator[Resource]:
    """Every resource, a nested stack before what is in it. Works for deleted stacks by id."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    for page in pages:
        for each in page["StackResourceSummaries"]:
            one = Resource(
                place,
                each["LogicalResourceId"],
                each["ResourceType"],
                each.get("PhysicalResourceId", ""),
                each["ResourceStatus"],
                each.get("ResourceStatusReason", ""),
            )
            yield one
            if one.kind == STACK and one.physical:
                yield from resources(cloudformation, one.physical, one.path)


def failures(cloudformation: Any, stack: str) -> list[Resource]:
    """What failed first, and why: the guilty of the latest operation, without their victims."""
    failed = [
        each
        for each in resources(cloudformation, stack)
        if each.status.endswith("_FAILED") and each.kind != STACK
    ]
    guilty = [each for each in failed if each.reason and not each.reason.startswith(_ECHOES)]
    return guilty or failed


def events(cloudformation: Any, stack: str, verb: str) -> list[Resource]:
    """The failures in the events since the latest operation named by `verb` began, oldest first.

    A rolled back stack has forgotten its failures; its events have not.
    """
    guilty: list[Resource] = []
    for each in _since(cloudformation, stack, verb):
        one = Resource(
            "",
            each["LogicalResourceId"],
            each["ResourceType"],
            each.get("PhysicalResourceId", ""),
            each["ResourceStatus"],
            each.get("ResourceStatusReason", ""),
        )
        if not one.status.endswith("_FAILED"):
            continue
        if one.kind == STACK and one.physical not in ("", stack):
            inner = events(cloudformation, one.physical, verb)
            guilty += inner or [one]
        elif one.kind != STACK and one.reason and "cancelled" not in one.reason:
            guilty.append(one)
    return guilty[::-1]


def _since(cloudformation: Any, stack: str, verb: str) -> Iterator[dict[str, Any]]:
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for each in page["StackEvents"]:
            yield each
            begins = each["ResourceStatus"] == f"{verb}_IN_PROGRESS"
            if begins and each.get("PhysicalResourceId") == each["StackId"]:
                return


def _deleted(cloudformation: Any, name: str) -> Root:
    pages = cloudformation.get_paginator("list_stacks").paginate(
        StackStatusFilter=["DELETE_COMPLETE"]
    )
    ended = [each for page in pages for each in page["StackSummaries"] if each["StackName"] == name]
    if not ended:
        return Root("", "")
    newest = max(ended, key=lambda each: each["CreationTime"])
    return Root(newest["StackId"], newest["StackStatus"])
