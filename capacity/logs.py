"""Invocations as the function's log tells them: how many events, how long."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from capacity.runs import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What a batch held, counted or not: functions/analytics/ingest.py.
EVENTS: Final = ("EventsIngested", "EventsRejected", "EventsDuplicated")
REPORT: Final = re.compile(r"^REPORT RequestId: \S+\s+Duration: ([\d.]+) ms")

Line = tuple[str, int, str]
"""Stream, ms since 1970, text."""


def lines_of(client: Any, function: str, since: float) -> Iterator[Line]:
    """All that a function has logged since then (seconds since 1970), oldest first."""
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=f"/aws/lambda/{function}", startTime=int(since * 1000)
    )
    found = [
        (event["logStreamName"], event["timestamp"], event["message"])
        for page in pages
        for event in page["events"]
    ]
    # Lines of one invocation may bear one moment: their order in the stream is kept.
    yield from sorted(found, key=lambda line: line[1])


def invocations(lines: Iterable[Line], began: float) -> Iterator[Invocation]:
    """Those that ended well: who failed has published no figures. Moments count from `began`."""
    events: dict[str, int] = {}
    for stream, at, text in lines:
        if text.startswith("START"):
            events.pop(stream, None)
        elif '"_aws"' in text:
            events[stream] = _events(text)
        elif (report := REPORT.match(text)) and (brought := events.pop(stream, 0)):
            yield Invocation(at / 1000 - began, brought, float(report[1]) / 1000)


def _events(text: str) -> int:
    try:
        figures = json.loads(text)
    except ValueError:
        return 0
    return int(sum(figures.get(name, 0) for name in EVENTS))
