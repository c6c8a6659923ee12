"""Runs that were measured, as JSON: what `capacity.record` writes and `compare` reads.

    {"format": 1, "kind": "steady" | "failover" | "burst" | "outage",
     "shards": 4, "most": 5745, "window_s": 1, "cores": 2, "lasts_s": 300.0,
     "away": [[60.0, 75.0]], "bursts": [[60.0, 90.0, 10.0]],
     "samples": [[at, events put so far, lag in seconds or null], …],
     "batches": [[at, events, seconds], …]}

Moments are seconds since the run began. A lag is null while nobody could say; `batches` are the
invocations that ended well, `events` what each brought, `seconds` how long it took.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from capacity.arrivals import Burst
from capacity.lag import Lag
from capacity.simulate import Scenario

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
KINDS: Final = ("steady", "failover", "burst", "outage")


class NotARun(Exception):
    """The file holds no run that was recorded; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    put: int
    lag_s: float | None


@dataclass(frozen=True, slots=True)
class Invocation:
    at: float
    events: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    kind: str
    shards: int
    most: int
    window_s: float
    cores: int
    lasts_s: float
    away: tuple[tuple[float, float], ...]
    bursts: tuple[tuple[float, float, float], ...]
    samples: tuple[Sample, ...]
    batches: tuple[Invocation, ...]

    @property
    def events_s(self) -> float:
        """Put in a second, in the mean of what is steady: until the first trouble."""
        first, last = self._calm[0], self._calm[-1]
        return (last.put - first.put) / (last.at - first.at)

    @property
    def _calm(self) -> list[Sample]:
        found = [each for each in self.samples if each.at <= self.scenario.begins]
        if len(found) < 2 or found[-1].at <= found[0].at:
            raise NotARun(f"{self.kind}: fewer than two samples before anything happened")
        return found

    @property
    def scenario(self) -> Scenario:
        bursts = tuple(Burst(*each) for each in self.bursts)
        return Scenario(self.kind, self.lasts_s, self.away, bursts)

    @property
    def lag(self) -> Lag:
        """As it was measured. Where nobody could say, the last that was known has grown older."""
        found: list[tuple[float, float]] = []
        for each in self.samples:
            if each.lag_s is not None:
                found.append((each.at, each.lag_s))
            elif found:
                at, value = found[-1]
                found.append((each.at, value + each.at - at))
        return Lag(tuple(found), self.scenario.begins, self.scenario.ends)

    def write(self, path: Path) -> None:
        plain: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        plain["samples"] = [[each.at, each.put, each.lag_s] for each in self.samples]
        plain["batches"] = [[each.at, each.events, each.seconds] for each in self.batches]
        path.write_text(json.dumps(plain, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Run:
        """Raises: `NotARun`."""
        try:
            found = json.loads(path.read_text())
            if found["format"] != FORMAT or found["kind"] not in KINDS:
                raise NotARun(f"{path}: format {found['format']}, kind {found['kind']}")
            return cls(
                kind=found["kind"],
                shards=int(found["shards"]),
                most=int(found["most"]),
                window_s=float(found["window_s"]),
                cores=int(found["cores"]),
                lasts_s=float(found["lasts_s"]),
                away=tuple((float(a), float(b)) for a, b in found["away"]),
                bursts=tuple((float(a), float(b), float(n)) for a, b, n in found["bursts"]),
                samples=tuple(Sample(*each) for each in found["samples"]),
                batches=tuple(Invocation(*each) for each in found["batches"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotARun(f"{path}: {type(error).__name__}: {error}") from None
