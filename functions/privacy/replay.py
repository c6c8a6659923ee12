"""The restore workflow calls this once for a copy, before any application may log in to it."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from privacy import data_map, repeat
from privacy.errors import BadStep
from privacy.ledger import Ledger
from privacy.receipt import Signer
from privacy.repeat import Doors, Restore
from privacy.restored import Restored
from privacy.settings import ReplaySettings
from privacy.subjects import Subjects
from streamflix import log, settings
from streamflix.addresses import Address
from streamflix.deadline import Deadline
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.deadline import Context

logger = log.get("privacy")

RUN = re.compile(r"[A-Za-z0-9._-]{1,80}")  # whatever names an execution; EventBridge's have 73


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Repeat every erasure of the ledger in a restored copy.

    Event: ``{"restore": run, "address": "host:port" of its writer, "targetTime": RFC 3339, "mode":
    drill | cutover}``. A drill leaves open requests alone; a cutover takes them back to the fence.
    Returns ``{"receipt": sha256, "tombstones": n, "accounts": n, "rows": {table: n}, "seconds":
    s}``; the receipt is in the ledger under ``restore#<run>``, the first one of a run stays.
    Raises: `TargetTooOld`, `DataMapDrifted`, `ReplayIncomplete` (permanent); `LedgerUnreachable`,
    `OutOfTime`, `DatabaseUnreachable`, … (retryable). Whatever it raises, the copy must stay
    without logins. Safe to repeat and to interrupt. Erasures go on while the database that is to be
    left takes logins: a cutover calls this when it does not any more.
    """
    restore = _parse(event)
    began = time.monotonic()
    done = repeat.run(restore, _doors(settings.cached(ReplaySettings)), Deadline.of(context))
    told = {
        "receipt": done.receipt_sha256,
        "tombstones": done.tombstones,
        "accounts": done.accounts,
        "rows": dict(done.rows),
        "seconds": round(time.monotonic() - began, 3),
    }
    logger.info("replayed", extra={"restore": restore.run, "mode": restore.mode, **told})
    return told


def _parse(event: Mapping[str, Any]) -> Restore:
    run, mode = str(event.get("restore")), event.get("mode")
    if "restore" not in event or not RUN.fullmatch(run):
        raise BadStep("the event names no restore")
    if mode not in {"drill", "cutover"}:
        raise BadStep("the event's mode is drill or cutover")
    try:
        target = datetime.fromisoformat(str(event.get("targetTime")))
    except ValueError:
        raise BadStep("the event names no target time") from None
    if target.tzinfo is None:
        raise BadStep("the event's target time has no time zone")
    return Restore(run, Address.parse(str(event.get("address"))), target.astimezone(UTC), mode)


@cache
def _doors(env: ReplaySettings) -> Doors:
    ledger = Ledger(env.ledger_table)
    master, ours = Secret(env.master_secret_arn), data_map.ours()
    return Doors(
        ledger=ledger,
        subjects=Subjects(ledger, env.key_arn, env.environment),
        signer=Signer(env.signing_key_arn),
        data_map=ours,
        open_copy=lambda address: Restored(address, master, ours),
        now=lambda: datetime.now(UTC),
    )
