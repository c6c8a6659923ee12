"""Producers of numbered events, and what of them is found in a stream."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from streamflix.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.unit.core.stream import Shard, Stream

SLOW = "ProvisionedThroughputExceededException"


def producer(stream: Stream, **changes: Any) -> Producer:
    given: dict[str, Any] = {
        "clock": stream.time,
        "sleep": stream.time.sleep,
        "jitter": lambda: 0.5,
        "record_bytes": 1_000,
    }
    return Producer("playback", stream, **given | changes)


def put(producer: Producer, numbers: Iterable[int]) -> None:
    """Events of a few sessions of a few titles, each with its number."""
    for number in numbers:
        title, session = f"title-{number % 7}", f"session-{number % 11}"
        producer.put(title, event(number), session)


def put_in_time(producer: Producer, stream: Stream, count: int, seed: int) -> None:
    """At times fast, at times so slowly that events have waited before a record is full."""
    rng = Random(seed)
    for number in range(count):
        put(producer, [number])
        stream.time.now += rng.choice([0.0, 0.001, 0.2])


def event(number: int) -> bytes:
    return f"{number % 7} {number % 11} {number}".encode().ljust(100)


def number_of(payload: bytes) -> int:
    return int(payload.split()[2])


def numbers(shard: Shard) -> list[int]:
    return [number_of(payload) for payload in shard.payloads]


def without_repeats(numbers: list[int]) -> list[int]:
    return list(dict.fromkeys(numbers))


def dice(seed: int, chance: float) -> Callable[[], bool]:
    rng = Random(seed)
    return lambda: rng.random() >= chance
