"""One game day: steady load, a fault, what it did to whom, who was told, and what is missing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from chaos import witnesses
from chaos.faults import NotInjected, Stage
from chaos.processes import NoSuchServer
from chaos.result import Result
from chaos.watch import LATE_S, UNREACHABLE, watching

if TYPE_CHECKING:
    from chaos.faults import Fault
    from chaos.scenarios import Scenario
    from chaos.watch import Watch
    from demo.platform import Platform

STEADY_S: Final = 3.0
STEADY_WITHIN_S: Final = 60.0
JUDGED_WITHIN_S: Final = 240.0
LAST_JUDGED: Final = "recovery-checks-breached"
"""The last alarm that has an opinion after a deploy. On the laptop it may be red then, and stay so:
it watches what is only recorded there. That is no news about a fault."""
LOOK_S: Final = 0.1
LISTEN_S: Final = 125.0
"""Two evaluation periods of a minute: an alarm that is not red by then is not about this fault."""
DRAIN_S: Final = 60.0


class NotSteady(Exception):
    """The platform was not well before anything was done to it."""


def play(platform: Platform, scenario: Scenario, *, patient: bool, limit_s: float) -> Result:
    """`patient` waits for alarms, pages and the incident's conclusion, `limit_s` in all.

    Interrupted at any moment, it takes the fault and the load back.
    """
    nothing = Result(scenario.name, waited_for_alarms=patient)
    try:
        with watching(platform) as watch:
            _steady(watch, scenario, patient=patient)
            fault = scenario.fault()
            stage = Stage(platform, watch.writer, watch.reader, watch.viewers)
            try:
                words = fault.inject(stage)
                at = time.time()
                watch.timeline.note(at, words)
                ended = _look_on(watch, scenario, fault, stage, at, patient, limit_s)
            finally:
                fault.heal(stage)
            return _reckon(watch, replace(nothing, fault=words), at, ended)
    except (*UNREACHABLE, NoSuchServer, NotInjected, NotSteady) as error:
        return replace(nothing, trouble=f"{type(error).__name__}: {error}")


def _steady(watch: Watch, scenario: Scenario, *, patient: bool) -> None:
    """Wait until nobody has had trouble for a while, and the alarms to come are not red already."""
    deadline = time.monotonic() + (JUDGED_WITHIN_S if patient else STEADY_WITHIN_S)
    trouble = ["nobody has looked"]
    while trouble and time.monotonic() < deadline:
        time.sleep(STEADY_S)
        trouble = _unrest(watch, scenario, time.time() - STEADY_S)
        if patient and not watch.alarms.is_judged(LAST_JUDGED):
            trouble.append(f"alarm {LAST_JUDGED} is not judged yet")
    if trouble:
        raise NotSteady("; ".join(trouble))


def _unrest(watch: Watch, scenario: Scenario, since: float) -> list[str]:
    outages = {each.name: each.outage(since) for each in watch.clients}
    found = [f"{name} fail: {each.errors}" for name, each in outages.items() if each.first_failure]
    found += [f"no {each.name} yet" for each in watch.clients if not each.attempts]
    if watch.caught_up(since) is None:
        found.append("events are counted late")
    expected = {scenario.bars.alarm, scenario.bars.page} - {""}
    found += [f"alarm {name} is red" for name in sorted(expected) if watch.alarms.is_red(name)]
    return [*found, watch.trouble] if watch.trouble else found


def _look_on(
    watch: Watch,
    scenario: Scenario,
    fault: Fault,
    stage: Stage,
    at: float,
    patient: bool,
    limit_s: float,
) -> float:
    """Until all is told; returns when the fault was over."""
    ended: float | None = None
    while (now := time.time()) < at + limit_s:
        if ended is None and _is_over(watch, scenario, at, now):
            ended = now
            if words := fault.heal(stage):
                watch.timeline.note(now, words)
        well = ended is not None and watch.served(at, now) and watch.caught_up(ended)
        if well and (not patient or _told(watch, scenario, at, now)):
            break
        time.sleep(LOOK_S)
    return ended or time.time()


def _is_over(watch: Watch, scenario: Scenario, at: float, now: float) -> bool:
    if now - at >= scenario.lasts_s:
        return True
    if scenario.until_alarm:
        return scenario.bars.alarm in watch.alarms.red_at
    writes = watch.writer.outage(at)
    return writes.first_failure is not None and writes.recovered is not None


def _told(watch: Watch, scenario: Scenario, at: float, now: float) -> bool:
    """Whether everybody has heard what there is to hear, and the alarms are quiet again."""
    bars = scenario.bars
    if now - at < LISTEN_S or watch.alarms.red:
        return False
    if bars.incident:
        incident = watch.platform_says.incident(at)
        if incident is None or incident.recovered_at is None:
            time.sleep(1)  # the monitor concludes once a minute
            return False
    return not bars.page or bars.page in watch.pager.paged_at


def _reckon(watch: Watch, result: Result, at: float, ended: float) -> Result:
    """Stop the load, wait for the count, and compare."""
    for background in watch.backgrounds:
        background.stop()
    if watch.trouble:
        return replace(result, trouble=watch.trouble)
    if not watch.viewers.drained(DRAIN_S):
        return replace(result, trouble=f"events are not counted {DRAIN_S:.0f} s after the last")
    watch.platform_says.note_events(at, watch.timeline)
    result = _noted(watch, result, at)
    writes = watch.writer.outage(at)
    count, caught_up = watch.viewers.count(), watch.caught_up(ended)
    return replace(
        result,
        felt=_felt(watch, at),
        writes_s=_seconds(at, writes.recovered),
        reads_s=_seconds(at, watch.reader.outage(at).recovered),
        cache_s=_seconds(at, watch.cache.outage(at).recovered),
        failed_writes=writes.failed,
        longest_pause_s=writes.longest_pause_s,
        acknowledged=len(watch.writer.acknowledged),
        lost=watch.writer.lost(),
        events=count.sent,
        events_lost=count.lost,
        events_duplicated=count.duplicated,
        rows_differ=count.differ,
        lag_s=max(behind for _, behind in watch.viewers.lag),
        caught_up_s=_seconds(ended, caught_up),
        timeline=tuple(watch.timeline.since(at)),
    )


def _felt(watch: Watch, at: float) -> tuple[str, ...]:
    """The consumer feels it by events that are late, or by invocations that failed."""
    hurt = [each.name for each in watch.clients if each.outage(at).first_failure is not None]
    late = any(behind > LATE_S for moment, behind in watch.viewers.lag if moment >= at)
    return (*hurt, "events") if late or watch.platform_says.consumer_failed(at) else tuple(hurt)


def _noted(watch: Watch, result: Result, at: float) -> Result:
    """The clients' moments go into the timeline; what the platform noticed into the result."""
    for client in watch.clients:
        outage = client.outage(at)
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
