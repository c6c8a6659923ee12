"""What was appended is added to its minutes, old minutes become hours, very old hours go."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from analytics import deltas
from analytics.archive import Archive
from analytics.errors import RollupsOverdue
from analytics.patience import persist
from analytics.settings import KeepSettings
from streamflix import log, settings
from streamflix.addresses import AddressBook
from streamflix.ca import CA_FILE
from streamflix.deadline import Deadline
from streamflix.postgres import Postgres
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from streamflix.deadline import Context

SHARE_LEFT = 0.1
OPTIONS = "-c statement_timeout=55s -c lock_timeout=5s -c idle_in_transaction_session_timeout=5s"

logger = log.get("analytics")


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, int]:
    """Move what is due.

    Event: ``{"rounds": 3}`` adds up what was appended until now and goes on with the next two turns
    of the tables (`analytics.deltas`), as the schedule asks each minute; without it once. Returns
    ``{"merged": rows, "folded": rows, "expired": rows}``, of this call alone. Raises:
    `RollupsOverdue` when its time was used up (the next call goes on); `EpochMoved`,
    `DatabaseUnreachable`, … (retryable). Safe to repeat and to kill: each step is one transaction,
    and takes rows from one table as it adds them to the other.
    """
    env = settings.cached(KeepSettings)
    deadline = Deadline.of(context)
    to = archive(env)
    told = {"merged": _merge(to, deadline)}
    for _ in range(int(event.get("rounds", 1)) - 1):
        time.sleep(deltas.seconds_to_next_turn(time.time()))
        told["merged"] += _merge(to, deadline)
    told["folded"] = _exhaust(partial(to.fold, _days_ago(env.rollup_minute_days)), deadline)
    told["expired"] = _exhaust(partial(to.expire, _days_ago(env.rollup_hour_days)), deadline)
    logger.info("kept", extra=told)
    return told


def _merge(to: Archive, deadline: Deadline) -> int:
    """All tables but the one that is appended to right now."""
    tables = deltas.settled_at(time.time())
    return sum(_exhaust(partial(to.merge, table), deadline) for table in tables)


@cache
def archive(env: KeepSettings, ca_file: Path = CA_FILE) -> Archive:
    book = AddressBook(env.address_book)
    postgres = Postgres(
        book,
        "writer",
        Secret(env.database_secret_arn),
        application_name="streamflix-analytics-keep",
        ca_file=ca_file,
        options=OPTIONS,
    )
    return Archive(book, postgres)


def _exhaust(step: Callable[[], int], deadline: Deadline) -> int:
    total = 0
    while taken := persist(step, deadline):
        total += taken
        if deadline.seconds_until(SHARE_LEFT) <= 0:
            raise RollupsOverdue(f"{total} rows were moved, and there are more")
    return total


def _days_ago(days: int) -> datetime:
    """The beginning of an hour, so that an hour is folded as a whole."""
    then = datetime.now(UTC) - timedelta(days=days)
    return then.replace(minute=0, second=0, microsecond=0)
