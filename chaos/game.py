"""One game day: steady load, a fault, what it did to whom, who was told, and what is missing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from chaos.faults import NotAnswered, NotInjected, Stage
from chaos.processes import NoSuchServer
from chaos.reckoning import Span, reckon
from chaos.result import Result
from chaos.watch import UNREACHABLE, watching

if TYPE_CHECKING:
    from collections.abc import Callable

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


class NotSteady(Exception):
    """The platform was not well before anything was done to it."""


def play(
    platform: Platform,
    scenario: Scenario,
    *,
    patient: bool,
    limit_s: float,
    say: Callable[[str], None] = lambda _: None,
) -> Result:
    """`patient` waits for alarms, pages and the incident's conclusion, `limit_s` in all.

    `say` hears what is going on. Interrupted at any moment, it takes the fault and the load back.
    """
    nothing = Result(scenario.name, waited_for_alarms=patient)
    try:
        with watching(platform) as watch:
            _steady(watch, scenario, patient=patient)
            fault = scenario.fault()
            stage = Stage(
                platform, watch.writer, watch.reader, watch.viewers, watch.timeline, patient, say
            )
            try:
                words = fault.inject(stage)
                at = time.time()
                stage.note(words)
                fault.answer(stage)
                ended = _look_on(watch, scenario, fault, stage, at, limit_s)
            finally:
                fault.heal(stage)
            span = Span(at, ended, fault.given_up)
            return reckon(watch, replace(nothing, fault=words), span)
    except (*UNREACHABLE, NoSuchServer, NotInjected, NotAnswered, NotSteady) as error:
        return replace(nothing, trouble=f"{type(error).__name__}: {error}")


def _steady(watch: Watch, scenario: Scenario, *, patient: bool) -> None:
    """Wait until nobody has had trouble for a while, and the alarms to come are not red already."""
    deadline = time.monotonic() + (JUDGED_WITHIN_S if patient else STEADY_WITHIN_S)
    trouble = ["nobody has looked"]
    while trouble and time.monotonic() < deadline:
        time.sleep(STEADY_S)
        trouble = _unrest(watch, time.time() - STEADY_S)
        if patient:
            trouble += _unjudged(watch, scenario)
    if trouble:
        raise NotSteady("; ".join(trouble))


def _unjudged(watch: Watch, scenario: Scenario) -> list[str]:
    """Alarms whose turning red would be no news. Who does not wait for alarms does not care."""
    expected = {scenario.bars.alarm, scenario.bars.page} - {""}
    found = [f"alarm {name} is red" for name in sorted(expected) if watch.alarms.is_red(name)]
    if not watch.alarms.is_judged(LAST_JUDGED):
        found.append(f"alarm {LAST_JUDGED} is not judged yet")
    return found


def _unrest(watch: Watch, since: float) -> list[str]:
    outages = {each.name: each.outage(since) for each in watch.clients}
    found = [f"{name} fail: {each.errors}" for name, each in outages.items() if each.first_failure]
    found += [f"no {each.name} yet" for each in watch.clients if not each.attempts]
    if watch.caught_up(since) is None:
        found.append("events are counted late")
    return [*found, watch.trouble] if watch.trouble else found


def _look_on(
    watch: Watch, scenario: Scenario, fault: Fault, stage: Stage, at: float, limit_s: float
) -> float:
    """Until all is told; returns when the fault was over."""
    ended: float | None = None
    while (now := time.time()) < at + limit_s:
        if ended is None and _is_over(watch, scenario, at, now):
            ended = now
            if words := fault.heal(stage):
                stage.note(words)
        well = ended is not None and watch.served(at, now) and watch.caught_up(ended)
        if well and (not stage.patient or _told(watch, scenario, at, now)):
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
