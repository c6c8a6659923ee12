"""The alarms of an environment that are red now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  a dataclass names its fields' types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from account.guard import Account

PREFIX = "streamflix-"
RUNBOOK = re.compile(r"docs/runbooks/[\w-]+\.md")
KINDS = {"CompositeAlarms": True, "MetricAlarms": False}


@dataclass(frozen=True, slots=True)
class Alarm:
    """`name` has neither the platform's name nor the environment's, as its runbook has neither."""

    name: str
    pages: bool
    """A composite wakes somebody; a single one opens a ticket."""
    since: datetime
    says: str
    runbook: str


def red(account: Account) -> list[Alarm]:
    """Those that wake somebody first, then by when they turned red."""
    suffix = f"-{account.environment}"
    pages = account.client("cloudwatch").get_paginator("describe_alarms")
    found = [
        _alarm(each, suffix, composite)
        for page in pages.paginate(
            AlarmNamePrefix=PREFIX, AlarmTypes=["CompositeAlarm", "MetricAlarm"], StateValue="ALARM"
        )
        for kind, composite in KINDS.items()
        for each in page.get(kind, [])
        if each["AlarmName"].endswith(suffix)
    ]
    return sorted(found, key=lambda each: (not each.pages, each.since))


def _alarm(found: Mapping[str, Any], suffix: str, composite: bool) -> Alarm:
    description = " ".join(found.get("AlarmDescription", "").split())
    runbook = RUNBOOK.search(description)
    sentence, stop, _ = description.partition(". ")
    return Alarm(
        found["AlarmName"].removeprefix(PREFIX).removesuffix(suffix),
        composite,
        found.get("StateTransitionedTimestamp") or found["StateUpdatedTimestamp"],
        sentence + stop.strip(),
        runbook.group() if runbook else "none",
    )
