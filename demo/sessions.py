"""Who watches what and when: sessions that start, beat, stall, pause and stop within one hour.

Everything here is decided before the first byte is sent, so that events of all sessions can be put
in the order in which they reach the platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from demo.catalogue import DEVICE_WEIGHTS, DEVICES, random_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from demo.catalogue import Account, Catalogue

WINDOW_MS: Final = 3_600_000
LATE_SHARE: Final = 0.022
OUT_OF_ORDER_SHARE: Final = 0.033
LATE_MS: Final = (90_000, 1_200_000)
# Longer than one heartbeat: at least the next event of the same session overtakes.
OUT_OF_ORDER_MS: Final = (35_000, 85_000)
BEAT_MS: Final = 30_000
BITRATES_KBPS: Final = (1_200, 2_500, 4_500, 8_000, 16_000)

PROMPT, OUT_OF_ORDER, LATE = range(3)


class Beat(NamedTuple):
    """One event to be; sorts by arrival, and by number where arrivals are equal."""

    arrival_ms: int
    number: int
    ts_ms: int
    session: Session
    type: str
    position_s: int
    watched_s: int
    rebuffer_ms: int
    lateness: int


@dataclass(frozen=True, slots=True, order=False)
class Session:
    """`prefix` is the part of the JSON that all events of the session share."""

    session_id: str
    prefix: str
    bitrate_kbps: int
    ghost: bool  # its profile does not exist


class Step(NamedTuple):
    ts_ms: int
    type: str
    position_s: int
    watched_s: int
    rebuffer_ms: int


def plan(
    catalogue: Catalogue, shape: Random, names: Random, until_ms: int, events: int, ghosts: int
) -> list[Beat]:
    """At least `events` events of the hour before `until_ms`, in order of arrival.

    `shape` decides what happens, `names` only draws ids: a repeated seed repeats the day, and its
    events are nevertheless new ones.
    """
    fame = list(accumulate(1 / rank for rank in range(1, len(catalogue.titles) + 1)))
    beats: list[Beat] = []
    while len(beats) < events:
        ghost = ghosts > 0
        steps = list(_walk(shape, _start(shape, until_ms, ghost), until_ms))
        if ghost and steps[-1].type != "stop":
            continue
        ghosts -= ghost
        title = shape.choices(catalogue.titles, cum_weights=fame)[0]
        session = _session(shape, names, shape.choice(catalogue.accounts), title, ghost)
        beats.extend(_arrivals(shape, session, steps, len(beats)))
    beats.sort()
    return beats


def _start(rng: Random, until_ms: int, early: bool) -> int:
    """Evenly over the hour; early enough to end in it when asked for."""
    share = rng.random() * (0.3 if early else 1.0)
    return until_ms - WINDOW_MS + int(share * (WINDOW_MS - 1_000))


def _session(rng: Random, names: Random, account: Account, title: str, ghost: bool) -> Session:
    profile = random_uuid(names) if ghost else rng.choice(account.profiles)
    session_id = random_uuid(names)
    device = rng.choices(DEVICES, weights=DEVICE_WEIGHTS)[0]
    prefix = (
        f'"account_id":"{account.account_id}","profile_id":"{profile}","session_id":"{session_id}"'
        f',"title_id":"{title}","device":"{device}","country":"{account.country}"'
    )
    return Session(session_id, prefix, rng.choice(BITRATES_KBPS), ghost)


def _walk(rng: Random, start_ms: int, until_ms: int) -> Iterator[Step]:
    """One viewing from its first second to its stop, its error, or the end of the hour."""
    chance = rng.random
    now, position = start_ms, 0 if chance() < 0.7 else int(chance() * 3_000)
    last_ms = now + int(min(rng.lognormvariate(13.4, 0.7), 7_200_000))  # median 11 minutes
    yield Step(now, "play_start", position, 0, int(chance() * 1_800))
    while True:
        dice = chance()
        played = BEAT_MS - 400 + int(chance() * 800) if dice < 0.94 else 1_000 + int(chance() * 2e4)
        now += played
        if now > until_ms:
            return
        seconds = played // 1_000
        position += seconds
        if now >= last_ms:
            yield Step(now, "stop", position, seconds, 0)
            return
        if dice < 0.94:
            yield Step(now, "heartbeat", position, seconds, 0)
        elif dice < 0.975:
            stalled = 200 + int(chance() * 6_000)
            yield Step(now, "rebuffer", position, seconds, stalled)
            now += stalled
        elif dice < 0.997:
            yield Step(now, "pause", position, seconds, 0)
            now += 5_000 + int(chance() * 240_000)
        else:
            yield Step(now, "error", position, seconds, 0)
            return


def _arrivals(rng: Random, session: Session, steps: Sequence[Step], first: int) -> Iterator[Beat]:
    for number, step in enumerate(steps, start=first):
        fate = rng.random()
        lateness, delay_ms = PROMPT, 50 + int(rng.random() * 700)
        if fate < LATE_SHARE:
            lateness, delay_ms = LATE, rng.randint(*LATE_MS)
        elif fate < LATE_SHARE + OUT_OF_ORDER_SHARE:
            lateness, delay_ms = OUT_OF_ORDER, rng.randint(*OUT_OF_ORDER_MS)
        ts_ms, kind, position_s, watched_s, rebuffer_ms = step
        yield Beat(
            ts_ms + delay_ms, number, ts_ms, session, kind,
            position_s, watched_s, rebuffer_ms, lateness,
        )  # fmt: skip
