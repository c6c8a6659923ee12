"""The restore workflow calls this for what happens inside a restored copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recovery.copied import Copied
from recovery.errors import BadTask
from recovery.settings import CopySettings
from streamflix import log, settings
from streamflix.addresses import Address
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

logger = log.get("recovery")


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001
    """Run one step in the copy at an address.

    Event: ``{"run": name, "address": "host:port", "step": logins | verify | open | count}``.
    `logins` closes it to everybody but master and gives each login the passwords that it has now;
    a cutover fences the cluster that it replaces so, and names the life ``"epoch"`` that must not
    have begun in it. `verify` returns ``{"beatenAt": s, "accounts": n}``. `open` takes
    ``"logins": [names]`` and lets them in; with ``"epoch": n`` a new life begins, in which the
    consumer waits until `count`.
    Raises: `CopyNotFenced`, `CopyIncomplete`, `Overtaken`, `BadTask` (permanent); what a connection
    raises (retryable). Safe to repeat and to interrupt.
    """
    step = str(event.get("step"))
    if step not in {"logins", "verify", "open", "count"}:
        raise BadTask("the event names no step in a copy")
    env = settings.cached(CopySettings)
    copied = Copied(Address.parse(str(event.get("address"))), Secret(env.master_secret_arn))
    try:
        if step == "logins":
            answer: dict[str, Any] = {
                "logins": copied.close_logins(env.login_secret_arns, event.get("epoch"))
            }
        elif step == "open":
            arns = {login: env.login_secret_arns[login] for login in event["logins"]}
            answer = {"logins": copied.open_logins(arns, event.get("epoch"))}
        elif step == "count":
            copied.let_count()
            answer = {}
        else:
            answer = copied.verify()
    finally:
        copied.rest()
    logger.info("step done", extra={"run": str(event.get("run")), "step": step, **answer})
    return answer
