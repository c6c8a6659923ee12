"""What a game day came to: its load is stopped, everything is counted and compared."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from chaos import losses, witnesses
from chaos.watch import LATE_S

if TYPE_CHECKING:
    from chaos.result import Result
    from chaos.watch import Watch

DRAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Span:
    """Of the fault; `given_up` as the fault has it."""

    at: float
    ended: float
    given_up: tuple[float, float] | None = None

    @property
    def until(self) -> float:
        """Up to when clients' trouble is the fault's: the adoption after a cutover has its own."""
        return math.inf if self.given_up is None else self.ended


def reckon(watch: Watch, result: Result, span: Span) -> Result:
    """Stop the load, wait for the count, and compare."""
    at = span.at
    for background in watch.backgrounds:
        background.stop()
    if watch.trouble:
        return replace(result, trouble=watch.trouble)
    if not watch.viewers.drained(DRAIN_S):
        return replace(result, trouble=f"events are not counted {DRAIN_S:.0f} s after the last")
    watch.platform_says.note_events(at, watch.timeline)
    result = _noted(watch, _given_up(watch, result, span), span)
    writes = watch.writer.outage(at, span.until)
    count, caught_up = watch.viewers.count(), watch.caught_up(span.ended)
    return replace(
        result,
        felt=_felt(watch, at),
        writes_s=_seconds(at, writes.recovered),
        reads_s=_seconds(at, watch.reader.outage(at, span.until).recovered),
        cache_s=_seconds(at, watch.cache.outage(at, span.until).recovered),
        failed_writes=writes.failed,
        longest_pause_s=writes.longest_pause_s,
        acknowledged=len(watch.writer.acknowledged),
        events=count.sent,
        events_lost=count.lost,
        events_duplicated=count.duplicated,
        rows_differ=count.differ,
        lag_s=max(behind for _, behind in watch.viewers.lag),
        caught_up_s=_seconds(span.ended, caught_up),
        timeline=tuple(watch.timeline.since(at)),
    )


def _given_up(watch: Watch, result: Result, span: Span) -> Result:
    """What is not there any more, and whether that was meant."""
    missing = losses.reckon(watch.writer.missing(), span.given_up)
    result = replace(result, lost=missing.lost, given_up=missing.given_up)
    if span.given_up is None:
        return result
    target, fault = span.given_up
    watch.timeline.note(target, "the moment that people go back to")
    pause = watch.writer.outage(span.ended).longest_pause_s
    watch.timeline.note(span.ended, f"from here on, no write waits longer than {pause:.1f} s")
    return replace(result, rpo_s=fault - target, adoption_s=pause)


def _felt(watch: Watch, at: float) -> tuple[str, ...]:
    """The consumer feels it by events that are late, or by invocations that failed."""
    hurt = [each.name for each in watch.clients if each.outage(at).first_failure is not None]
    late = any(behind > LATE_S for moment, behind in watch.viewers.lag if moment >= at)
    return (*hurt, "events") if late or watch.platform_says.consumer_failed(at) else tuple(hurt)


def _noted(watch: Watch, result: Result, span: Span) -> Result:
    """The clients' moments go into the timeline; what the platform noticed into the result."""
    at = span.at
    for client in watch.clients:
        outage = client.outage(at, span.until)
        if outage.first_failure is not None:
            kinds = ", ".join(outage.errors) or "slow answers"
            watch.timeline.note(outage.first_failure, f"{client.name} fail ({kinds})")
            if outage.recovered is not None:
                watch.timeline.note(outage.recovered, f"{client.name} work again")
    late = [moment for moment, behind in watch.viewers.lag if moment >= at and behind > LATE_S]
    if late:
        watch.timeline.note(late[0], "events are counted late")
        watch.timeline.note(late[-1], "events are counted in time again")
    incident = watch.platform_says.incident(at)
    if incident is not None:
        witnesses.note(incident, watch.timeline)
        concluded = incident.cause if incident.recovered_at else ""
        result = replace(result, detected_s=incident.detected_at - at, cause=concluded)
    red, paged = watch.alarms.red_at, watch.pager.paged_at
    if red:
        cleared = None if watch.alarms.red else max(watch.alarms.cleared_at.values(), default=None)
        told = sorted((moment - at, name) for name, moment in red.items())
        alarms = tuple((name, since) for since, name in told)
        result = replace(result, alarms=alarms, cleared_s=_seconds(at, cleared))
    if paged:
        first = min(paged, key=lambda name: paged[name])
        result = replace(result, paged=first, paged_s=paged[first] - at)
    return result


def _seconds(since: float, moment: float | None) -> float | None:
    return None if moment is None else max(0.0, moment - since)
