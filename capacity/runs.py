"""Runs that were measured, as JSON: what `capacity.record` writes and `compare` reads.

    {"format": 2, "kind": "steady" | "failover" | "burst" | "outage",
     "shards": 4, "most": 5745, "window_s": 1, "cores": 2, "lasts_s": 300.0,
     "away": [[60.0, 75.0]], "bursts": [[60.0, 90.0, 10.0]],
     "stroke_s": 0.3, "waves": [[0.0, 2.0, 0.7], …], "predicted": [["lag, median", 0.8], …],
     "puts": [[at, events put so far], …],
     "batches": [[at, events, seconds, shard, first], …]}

Moments are seconds since the run began. `batches` are the
invocations that ended well, `events` what each brought, `seconds` how long it took, `first` when
its first event had come. `stroke_s`: events came all at once, so often. `predicted` is what was
said before the run began. `waves` are what the load was multiplied with by itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from capacity.arrivals import Burst
from capacity.lag import of_batches
from capacity.simulate import Scenario

if TYPE_CHECKING:
    from pathlib import Path

    from capacity.lag import Lag

FORMAT: Final = 2
KINDS: Final = ("steady", "failover", "burst", "outage")
HANGS: Final = "failover"
"""In the others the database refuses whom it does not answer."""


class NotARun(Exception):
    """The file holds no run that was recorded; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Invocation:
    at: float
    """Of its end."""
    events: int
    seconds: float
    shard: str = ""
    first: float = 0.0

    @property
    def began(self) -> float:
        return self.at - self.seconds


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
    puts: tuple[tuple[float, int], ...]
    batches: tuple[Invocation, ...]
    stroke_s: float = 0.0
    waves: tuple[tuple[float, float, float], ...] = ()
    predicted: tuple[tuple[str, float | None], ...] = ()

    @property
    def events_s(self) -> float:
        """Put in a second, in the mean of what is steady: until the first trouble, and without what
        waves made of it."""
        (first, put), *_, (last, puts) = self._calm
        waved = sum(
            max(0.0, min(ends, last) - max(begins, first)) * (times - 1)
            for begins, ends, times in self.waves
        )
        return (puts - put) / (last - first + waved)

    @property
    def _calm(self) -> list[tuple[float, int]]:
        found = [(at, put) for at, put in self.puts if at <= self.scenario.begins]
        if len(found) < 2:
            raise NotARun(f"{self.kind}: nothing was put before anything happened")
        return found

    @property
    def scenario(self) -> Scenario:
        bursts = tuple(Burst(*each) for each in self.bursts)
        waves = tuple(Burst(*each) for each in self.waves)
        return Scenario(self.kind, self.lasts_s, self.away, bursts, waves, self.kind == HANGS)

    @property
    def lag(self) -> Lag:
        """As it was measured. Raises: `NotARun`."""
        if not self.batches:
            raise NotARun(f"{self.kind}: nothing was counted")
        shards: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for each in sorted(self.batches, key=lambda each: each.at):
            shards[each.shard].append((each.first, each.at))
        return of_batches(list(shards.values()), self.scenario)

    def write(self, path: Path) -> None:
        plain: dict[str, Any] = {"format": FORMAT, **asdict(self)}
        plain["batches"] = [
            [each.at, each.events, each.seconds, each.shard, each.first] for each in self.batches
        ]
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
                puts=tuple((float(at), int(put)) for at, put in found["puts"]),
                batches=tuple(Invocation(*each) for each in found["batches"]),
                stroke_s=float(found["stroke_s"]),
                waves=tuple((float(a), float(b), float(n)) for a, b, n in found["waves"]),
                predicted=tuple((str(what), value) for what, value in found["predicted"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise NotARun(f"{path}: {type(error).__name__}: {error}") from None
