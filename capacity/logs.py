"""Invocations as the function's log tells them: how many events, how long."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from capacity.runs import Invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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
    told: dict[str, tuple[int, str]] = {}
    for stream, at, text in lines:
        if text.startswith("START"):
            told.pop(stream, None)
        elif '"_aws"' in text:
            told[stream] = _told(text)
        elif report := REPORT.match(text):
            events, shard = told.pop(stream, (0, ""))
            if events:
                yield Invocation(at / 1000 - began, events, float(report[1]) / 1000, shard)


def with_firsts(
    batches: Iterable[Invocation], arrivals: Callable[[str], Sequence[float]], began: float
) -> Iterator[Invocation]:
    """Each with the moment of its first event: shards are worked through in order."""
    counted: dict[str, int] = defaultdict(int)
    for each in sorted(batches, key=lambda each: each.at):
        moments = arrivals(each.shard)
        if counted[each.shard] < len(moments):
            yield replace(each, first=moments[counted[each.shard]] - began)
        counted[each.shard] += each.events


def _told(text: str) -> tuple[int, str]:
    """Events, and their shard."""
    try:
        figures = json.loads(text)
    except ValueError:
        return 0, ""
    return int(sum(figures.get(name, 0) for name in EVENTS)), figures.get("shard", "")
