"""Gap: a service's tasks all lie in zone a; one that is stopped tells nobody and stays away.

Here the records of a service's tasks are spread over the zones of its subnets, each start and stop
is an event on the default bus, and what `StopTask` has stopped is replaced after a second. A stop
by the service itself says so. Nothing runs: a task is `RUNNING` because its service wants it.

Test: tests/contract/local/test_ecs_tasks.py
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from ministack.services import ec2, ecs, eventbridge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from local.context import Cloud

    Answer = tuple[int, dict[str, str], bytes]

PATCHES: tuple[str, ...] = (
    "ministack.services.ec2:_subnets",
    "ministack.services.ecs:_ACTION_MAP",
    "ministack.services.ecs:_cluster_name_from_arn",
    "ministack.services.ecs:_mark_task_stopped",
    "ministack.services.ecs:_reconcile_service_tasks",
    "ministack.services.ecs:_run_task",
    "ministack.services.ecs:_sanitize",
    "ministack.services.ecs:_tasks",
    "ministack.services.ecs:json_response",
    "ministack.services.eventbridge:_put_events",
)
TYPES: tuple[str, ...] = ()

REPLACED_AFTER_SECONDS = 1.0

_by_user = contextvars.ContextVar("by_user", default=False)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    ecs._run_task = ecs._ACTION_MAP["RunTask"] = _starting(ecs._run_task)
    ecs._mark_task_stopped = _stopping(ecs._mark_task_stopped)
    ecs._ACTION_MAP["StopTask"] = _replacing(ecs._ACTION_MAP["StopTask"])


def _starting(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    @functools.wraps(stock)
    def run(request: dict[str, Any]) -> Answer:
        status, headers, body = stock(request)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        started = [ecs._tasks[each["taskArn"]] for each in answer["tasks"]]
        for task in started:
            _place(task, _zones(request))
            _tell(task)
        placed: Answer = ecs.json_response(answer | {"tasks": [ecs._sanitize(t) for t in started]})
        return placed

    return run


def _stopping(stock: Callable[..., bool]) -> Callable[..., bool]:
    @functools.wraps(stock)
    def stop(
        arn: str, task: dict[str, Any], reason: str, code: str, exit_code: int | None = None
    ) -> bool:
        if code == "UserInitiated" and not _by_user.get():
            code = "ServiceSchedulerInitiated"
        stopped = stock(arn, task, reason, code, exit_code)
        if stopped:
            _tell(task)
        return stopped

    return stop


def _replacing(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    @functools.wraps(stock)
    def stop(request: dict[str, Any]) -> Answer:
        with _asked_by_a_user():
            status, headers, body = stock(request)
        if status == 200:
            _replace(json.loads(body)["task"])
        return status, headers, body

    return stop


@contextlib.contextmanager
def _asked_by_a_user() -> Iterator[None]:
    before = _by_user.set(True)
    try:
        yield
    finally:
        _by_user.reset(before)


def _replace(task: dict[str, Any]) -> None:
    """The service's scheduler looks a moment later, in the account and region of the request."""
    kind, _, service = task["group"].partition(":")
    if kind != "service":
        return
    cluster = ecs._cluster_name_from_arn(task["clusterArn"])
    look = contextvars.copy_context().run
    wanted = ecs._reconcile_service_tasks, cluster, f"{cluster}/{service}"
    timer = threading.Timer(REPLACED_AFTER_SECONDS, look, wanted)
    timer.daemon = True
    timer.start()


def _zones(request: dict[str, Any]) -> list[str]:
    network = request.get("networkConfiguration") or {}
    subnets = (network.get("awsvpcConfiguration") or {}).get("subnets") or []
    known = [ec2._subnets[each] for each in subnets if each in ec2._subnets]
    return sorted({subnet["AvailabilityZone"] for subnet in known})


def _place(task: dict[str, Any], zones: Iterable[str]) -> None:
    """Into the zone with the fewest tasks of its group, as Fargate spreads a service."""
    others = [
        other
        for other in list(ecs._tasks.values())
        if other is not task
        and other["lastStatus"] == "RUNNING"
        and (other["clusterArn"], other["group"]) == (task["clusterArn"], task["group"])
    ]
    taken = Counter(other["availabilityZone"] for other in others)
    task["availabilityZone"] = min(
        zones, key=lambda zone: taken[zone], default=task["availabilityZone"]
    )
    if task["launchType"] == "FARGATE":
        task["containerInstanceArn"] = None


def _tell(task: dict[str, Any]) -> None:
    told = {key: value for key, value in ecs._sanitize(task).items() if value != ""}
    entry = {
        "Source": "aws.ecs",
        "DetailType": "ECS Task State Change",
        "Detail": json.dumps(told),
        "Resources": [task["taskArn"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
