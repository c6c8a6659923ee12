"""What must come of a game day, and which of it did not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos.result import Result


@dataclass(frozen=True, slots=True)
class Bars:
    """Nothing acknowledged is ever lost, no event is lost or counted twice: not even a bar.

    Seconds since the fault until clients are served again and stay served; of those whom the fault
    does not concern, at most a hiccup.
    """

    felt_by: str
    """Whom it must hurt, or it was no fault: writes, reads, the cache, or the count of events."""
    writes_s: float = 3.0
    reads_s: float = 3.0
    cache_s: float = 3.0
    caught_up_s: float = 30.0
    """From the end of the fault until every event is counted."""
    adoption_s: float = 0.0
    """The longest time without a write while a copy is adopted."""
    incident: bool = False
    """Whether the platform must put an incident on record, with its cause."""
    alarm: str = ""
    """The alarm that must turn red, and so many seconds after the fault at the latest."""
    alarm_s: float = 0.0
    page: str = ""
    """The composite alarm that must wake somebody."""


def missed(result: Result, bars: Bars) -> list[str]:
    """A sentence for each bar that was missed."""
    if result.trouble:
        return [result.trouble]
    found = [
        *([] if bars.felt_by in result.felt else [f"{bars.felt_by} felt nothing of it"]),
        *_late("writes", result.writes_s, bars.writes_s),
        *_late("reads", result.reads_s, bars.reads_s),
        *_late("the cache", result.cache_s, bars.cache_s),
        *_late("the count of events", result.caught_up_s, bars.caught_up_s),
        *_losses(result),
    ]
    if result.adoption_s is not None:
        found += _late("writes, in the adoption,", result.adoption_s, bars.adoption_s)
    if result.waited_for_alarms:
        found += _unheard(result, bars)
    return found


def _late(what: str, took: float | None, allowed: float) -> list[str]:
    if took is None:
        return [f"{what} did not come back"]
    return [f"{what} came back after {took:.1f} s, not {allowed:.0f} s"] if took > allowed else []


def _losses(result: Result) -> list[str]:
    numbers = {
        "acknowledged transactions are lost": result.lost,
        "events are lost": result.events_lost,
        "events are counted twice": result.events_duplicated,
        "rows of counts differ": result.rows_differ,
    }
    found = [f"{number} {what}" for what, number in numbers.items() if number]
    if not (result.acknowledged and result.events):
        found.append("there was nothing to compare")
    return found


def _unheard(result: Result, bars: Bars) -> list[str]:
    heard = {what for _, what in result.timeline}
    found = []
    if bars.incident and not result.cause:
        found.append("no incident with a cause is on record")
    red_at = [at for at, what in result.timeline if what == f"alarm {bars.alarm} is red"]
    if bars.alarm and not red_at:
        found.append(f"alarm {bars.alarm} did not turn red")
    elif bars.alarm and red_at[0] > bars.alarm_s:
        found.append(
            f"alarm {bars.alarm} was red after {red_at[0]:.0f} s, not {bars.alarm_s:.0f} s"
        )
    if bars.page and f"page: {bars.page} is ALARM" not in heard:
        found.append(f"{bars.page} did not page")
    return found
