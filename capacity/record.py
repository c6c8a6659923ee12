"""Records a run on the laptop cloud that is up and deployed, as capacity/runs.py describes it.

    .local/venvs/cloud/bin/python -m local run -- \\
        .local/venvs/cloud/bin/python -m capacity.record steady.json --kind steady

Kinds: ``steady``; ``failover`` kills the database's writer; ``burst`` multiplies the load;
``outage`` cuts the database off from everybody. The last three begin after a minute of quiet. It
refuses to run beside a game day, and takes back what it did when it is interrupted.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from capacity import workload as w
from capacity.logs import invocations, lines_of
from capacity.runs import KINDS, Run
from capacity.strokes import EVENT_BYTES, STROKE_S, Load, samples
from chaos import processes
from chaos.alone import alone
from chaos.background import Background
from chaos.session import Session
from chaos.viewers import UNREACHABLE, Viewers
from demo.platform import CannotPlay, Platform
from local import cuts

if TYPE_CHECKING:
    from collections.abc import Sequence

QUIET_S: Final = 60.0
BURST_TIMES: Final = 10.0
LASTS_S: Final = {"steady": 180.0, "failover": 180.0, "burst": 240.0, "outage": 600.0}
TROUBLE_S: Final = {"burst": 30.0, "outage": 300.0}
RENEWED_S: Final = 20.0
"""A cut ends by itself after two minutes at most: it is made anew before."""
CUT_S: Final = 60.0
BACK_WITHIN_S: Final = 120.0
LOOK_S: Final = 0.1
DRAIN_S: Final = 300.0
SERVES: Final = "SELECT current_setting('cluster_name'), pg_is_in_recovery()"


class NotRecorded(Exception):
    """The run is worth nothing; the message says what went wrong."""


@dataclass
class Trouble:
    """What is done to the platform, and taken back."""

    platform: Platform
    load: Load
    began: float
    away: list[tuple[float, float]] = field(default_factory=list)
    bursts: list[tuple[float, float, float]] = field(default_factory=list)

    def make(self, kind: str) -> None:
        """Returns when it is over."""
        {"steady": lambda: None, "failover": self._failover, "burst": self._burst,
         "outage": self._outage}[kind]()  # fmt: skip

    def undo(self) -> None:
        """Safe to repeat, and before anything was done."""
        self.load.times = 1.0
        cuts.heal(processes.home())

    def _now(self) -> float:
        return time.time() - self.began

    def _burst(self) -> None:
        begins, put = self._now(), self.load.put
        self.load.times = BURST_TIMES
        time.sleep(TROUBLE_S["burst"])
        self.undo()
        ends = self._now()
        # As much as the stream took: the laptop's may be slower than what was asked for.
        self.bursts.append(
            (begins, ends, (self.load.put - put) / (ends - begins) / self.load.per_s)
        )

    def _outage(self) -> None:
        where = self.platform.login("analytics")
        address = f"{where['host']}:{where['port']}"
        begins = self._now()
        while (left := begins + TROUBLE_S["outage"] - self._now()) > 0:
            cuts.cut(processes.home(), [address], min(CUT_S, left))
            time.sleep(min(RENEWED_S, left))
        self.undo()
        self.away.append((begins, self._now()))

    def _failover(self) -> None:
        session = Session(self.platform, "analytics")
        try:
            [(writer, _)] = session.run(SERVES)
            begins = self._now()
            processes.send([processes.server(writer)], signal.SIGKILL)
            while not self._is_back(session, writer):
                if self._now() - begins > BACK_WITHIN_S:
                    raise NotRecorded(f"no writer within {BACK_WITHIN_S:.0f} s")
                time.sleep(LOOK_S)
            self.away.append((begins, self._now()))
        finally:
            session.close()

    @staticmethod
    def _is_back(session: Session, before: str) -> bool:
        try:
            [(server, is_reader)] = session.run(SERVES)
        except UNREACHABLE:
            return False
        return not is_reader and server != before


def record(platform: Platform, kind: str, rate: float, lasts_s: float, seed: int = 1) -> Run:
    """Raises: `NotRecorded`, `NoSuchServer`, what the platform's clients raise."""
    viewers = Viewers(platform, f"capacity-{secrets.token_hex(4)}")
    load = Load(viewers, rate, seed)
    sending = Background("load", STROKE_S, load.stroke)
    began = time.time()
    puts: list[tuple[float, int]] = []
    counting = Background("puts", 1.0, lambda: puts.append((time.time() - began, load.put)))
    trouble = Trouble(platform, load, began)
    backgrounds = (sending, viewers.looking, counting)
    try:
        for each in backgrounds:
            each.start()
        _sleep_until(began + QUIET_S, backgrounds)
        trouble.make(kind)
        _sleep_until(began + lasts_s, backgrounds)
        ended = time.time() - began
        for each in backgrounds:
            each.stop()
        if not viewers.drained(DRAIN_S):
            raise NotRecorded(f"events are not counted {DRAIN_S:.0f} s after the last of them")
    finally:
        trouble.undo()
        for each in backgrounds:
            each.stop()
        viewers.close()
    lines = lines_of(platform.client("logs"), platform.outputs["AnalyticsFunctionName"], began)
    return Run(
        kind=kind,
        shards=_shards(platform),
        most=_most(),
        window_s=w.WINDOW_S,
        cores=len(os.sched_getaffinity(0)),
        lasts_s=ended,
        away=tuple(trouble.away),
        bursts=tuple(trouble.bursts),
        samples=tuple(samples(puts, [(at - began, lag) for at, lag in viewers.lag], ended)),
        batches=tuple(invocations(lines, began)),
    )


def _sleep_until(moment: float, backgrounds: Sequence[Background]) -> None:
    """Raises: `NotRecorded` when load or looking broke down meanwhile."""
    while True:
        if broken := next((each.trouble for each in backgrounds if each.trouble), ""):
            raise NotRecorded(broken)
        if (left := moment - time.time()) <= 0:
            return
        time.sleep(min(1.0, left))


def _most() -> int:
    size = EVENT_BYTES * 4 / 3 + w.FRAME_BYTES
    return min(w.BATCH_RECORDS, int(w.PAYLOAD_BYTES / size))


def _shards(platform: Platform) -> int:
    answer = platform.client("kinesis").describe_stream_summary(StreamName=platform.stream)
    return int(answer["StreamDescriptionSummary"]["OpenShardCount"])


def main(arguments: Sequence[str]) -> int:
    given = _parse(arguments)
    for each in (signal.SIGINT, signal.SIGTERM):  # also where a shell's job ignores the first
        signal.signal(each, signal.default_int_handler)
    try:
        platform = Platform.open(Path(os.environ["STREAMFLIX_OUTPUTS"]))
        with alone():
            run = record(platform, given.kind, given.rate, given.seconds or LASTS_S[given.kind])
    except (CannotPlay, NotRecorded, processes.NoSuchServer, *UNREACHABLE) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Load and fault are taken back; nothing is written.\n")
        return 1
    run.write(given.file)
    sys.stdout.write(f"written: {given.file}, {len(run.batches)} invocations\n")
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="capacity.record", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="steady")
    parser.add_argument("--rate", type=float, default=300.0, help="events a second, in the mean")
    parser.add_argument("--seconds", type=float, help="in all; see LASTS_S")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
