"""The restore workflow calls this for a copy, which has the schema of the moment it was taken back
to; the code that will use it expects today's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from schema import master, migrations
from schema.errors import BadCopy
from schema.settings import CopySettings
from streamflix import log, settings
from streamflix.addresses import Address, Place
from streamflix.deadline import Deadline
from streamflix.errors import AddressMalformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

logger = log.get("schema")

RUN = re.compile(r"[A-Za-z0-9._-]{1,80}")  # whatever names an execution; EventBridge's have 73


class Copy(NamedTuple):
    run: str
    place: Place


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, int]:
    """Apply the migrations that a restored copy lacks; its logins stay as they are.

    Event: ``{"restore": run, "address": "host:port" of its writer}``. Returns ``{"schemaVersion":
    the newest migration that the copy has, "applied": n}``; a copy that knows more than this
    package is accepted, as after a rollback of the code.
    Waits for a copy that is still coming up. Safe to repeat and to interrupt.
    Raises: `BadCopy`, `BadPackage`, `HistoryDiffers`, `SchemaRefused`, `SecretMalformed`
    (permanent); `DatabaseUnreachable`, `CredentialsRefused`, `SecretUnreadable`, `SchemaBlocked`
    (retryable).
    """
    copy = _parse(event)
    env, deadline = settings.cached(CopySettings), Deadline.of(context)
    told = master.patiently(lambda: _once(copy, env, deadline), deadline)
    logger.info("migrated a copy", extra={"restore": copy.run, **told})
    return told


def _parse(event: Mapping[str, Any]) -> Copy:
    run = event.get("restore")
    if not isinstance(run, str) or not RUN.fullmatch(run):
        raise BadCopy("the event names no restore")
    try:
        return Copy(run, Place(Address.parse(str(event.get("address")))))
    except AddressMalformed:
        raise BadCopy("the event's address is not host:port") from None


def _once(copy: Copy, env: CopySettings, deadline: Deadline) -> dict[str, int]:
    with master.connected(copy.place, env.master_secret_arn, deadline) as connection:
        applied = migrations.apply(connection, migrations.load())
        return {"schemaVersion": migrations.version(connection), "applied": len(applied)}
