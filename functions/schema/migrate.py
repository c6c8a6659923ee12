"""CloudFormation calls this for `Custom::DatabaseSchema` in stacks/schema.yaml, and waits.

What needs a layer is imported where it is used: when one is broken or missing, CloudFormation is
told.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schema.reply import Reply
from schema.request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

logger = logging.getLogger("schema")

# Share of the function's time that is kept for the answer.
ANSWER_AT = 0.1


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Bring the database to this package's schema, and answer CloudFormation whatever happens.

    Event: a custom resource request with the properties MigrationsSha256 (refused when it is not
    the package's) and ClusterResourceId (a new cluster is a reason to come back).
    Delete touches nothing and succeeds, also when the database is gone.
    Raises: `BadRequest` when there is nobody to answer; `Unanswered` when the answer did not get
    through (Lambda then calls again). Safe to repeat, to interrupt and to run twice at once.
    """
    request = Request.from_event(event)  # 1 parse, refuse
    seconds = context.get_remaining_time_in_millis() / 1000
    with Reply(request, seconds * (1 - ANSWER_AT)) as reply:
        if request.kind == "Delete":
            reply.succeeded({})
            return
        try:
            data = _act(request, context, reply)  # 2 act
        except Exception as error:  # noqa: BLE001  a silent function holds a stack for 15 minutes
            reason = explain(error)
            logger.error("refused: %s", reason)  # noqa: TRY400  a trace may quote anything
            reply.failed(reason)
        else:
            reply.succeeded(data)  # 3 answer


def explain(error: Exception) -> str:
    """What is wrong and what to do. An error that is not of our vocabulary may quote anything, so
    only its name and place are told."""
    name = type(error).__name__
    if isinstance(error, _vocabulary()):
        advice = " ".join((type(error).__doc__ or "").split())
        return f"{name}: {error}. {advice}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
    return (
        f"{name} at {place}: a fault of the schema function, not of the database. "
        "Nothing is half done; correct the function and deploy again."
    )


def _vocabulary() -> tuple[type[Exception], ...]:
    try:
        from streamflix.errors import Permanent, Retryable
    except ImportError:  # the layer is what is missing
        return ()
    return Permanent, Retryable


def _act(request: Request, context: Context, reply: Reply) -> dict[str, str]:
    from schema.settings import Settings
    from schema.upgrade import upgrade
    from streamflix.deadline import Deadline

    return upgrade(
        request,
        Settings.from_env(),
        Deadline.of(context),
        waits=lambda error: reply.waits(explain(error)),
    )
