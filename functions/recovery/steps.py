"""One step of a restore: what AWS refuses is told in this room's words, what was done is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from recovery.errors import AwsRefused, BadTask
from streamflix import aws, log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

D = TypeVar("D")

logger = log.get("recovery")


def take(
    steps: Mapping[str, Callable[[str, Mapping[str, Any], D], dict[str, Any]]],
    event: Mapping[str, Any],
    doors: Callable[[], D],
    nameless: str = "",
) -> dict[str, Any]:
    """The step that the event names, of the run that it names; `nameless` is one without a run.

    Raises: `BadTask`, `AwsRefused`, and what the step raises.
    """
    step, run = str(event.get("step")), str(event.get("run", ""))
    if step not in steps or not (run or step == nameless):
        raise BadTask("the event names no step of a restore")
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = steps[step](run, event, doors())
    except (BotoCoreError, ClientError) as error:  # its classes are as many as AWS's codes
        raise AwsRefused(aws.refusal(error)) from None
    logger.info("step done", extra={"run": run, "step": step, **answer})
    return answer
