"""What a game day came to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """Times are seconds since the fault; None is never, or not while it was watched."""

    scenario: str
    waited_for_alarms: bool
    fault: str = ""
    writes_s: float | None = None
    reads_s: float | None = None
    cache_s: float | None = None
    felt: tuple[str, ...] = ()
    """Who had trouble."""
    failed_writes: int = 0
    longest_pause_s: float = 0.0
    """Between two acknowledged writes."""
    acknowledged: int = 0
    lost: int = 0
    given_up: int = 0
    """Acknowledged, and lost on purpose: what came after the moment that people went back to."""
    rpo_s: float | None = None
    """From that moment to the fault."""
    adoption_s: float | None = None
    """The longest time without a write once the cutover had ended: while its copy was adopted."""
    events: int = 0
    events_lost: int = 0
    events_duplicated: int = 0
    rows_differ: int = 0
    lag_s: float = 0.0
    """The age of the oldest event that was not counted, at its worst."""
    caught_up_s: float | None = None
    """Since the end of the fault."""
    detected_s: float | None = None
    """When the write probe noticed."""
    cause: str = ""
    alarms: tuple[tuple[str, float], ...] = ()
    """Which turned red after the fault, and when."""
    paged: str = ""
    paged_s: float | None = None
    cleared_s: float | None = None
    """When the last of the alarms that turned red was not red any more."""
    trouble: str = ""
    """Why this is not a result at all."""
    timeline: tuple[tuple[float, str], ...] = field(default=())
