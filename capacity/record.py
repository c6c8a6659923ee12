"""Records a run on the laptop cloud that is up and deployed, as capacity/runs.py describes it.

    .local/venvs/cloud/bin/python -m local run -- \\
        .local/venvs/cloud/bin/python -m capacity.record steady.json --kind steady

Kinds: ``steady``; ``failover`` freezes the database's writer; ``burst`` multiplies the load;
``outage`` cuts the database off from everybody. The last three begin after a minute of quiet.
``--after steady.json`` predicts first: the prediction is printed before the run and kept in its
file. It refuses to run beside a game day, and takes back what it did when it is interrupted.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from capacity import workload as w
from capacity.arrivals import Burst
from capacity.calibrate import CannotTell, calibrate, figures
from capacity.logs import invocations, lines_of, with_firsts
from capacity.runs import HANGS, KINDS, NotARun, Run
from capacity.simulate import Scenario, predict
from capacity.strokes import EVENT_BYTES, STROKE_S, Load, waves
from chaos import processes
from chaos.alone import alone
from chaos.background import Background
from chaos.processes import NoSuchServer
from chaos.session import Session
from chaos.viewers import UNREACHABLE, Viewers
from demo.platform import CannotPlay, Platform
from local import cuts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psutil

QUIET_S: Final = 60.0
BURST_TIMES: Final = 10.0
LASTS_S: Final = {"steady": 180.0, "failover": 120.0, "burst": 150.0, "outage": 420.0}
TROUBLE_S: Final = {"failover": 6.6, "burst": 30.0, "outage": 300.0}
"""How long it lasts; of a failover, as docs/proof/recovery.md has measured it."""
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
    frozen: list[psutil.Process] = field(default_factory=list)

    def make(self, kind: str) -> None:
        """Returns when it is over."""
        {"steady": lambda: None, "failover": self._failover, "burst": self._burst,
         "outage": self._outage}[kind]()  # fmt: skip

    def undo(self) -> None:
        """Safe to repeat, and before anything was done."""
        self.load.times = 1.0
        cuts.heal(processes.home())
        processes.send(reversed(self.frozen), signal.SIGCONT)
        self.frozen = []

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
            self.frozen = processes.with_children(processes.server(writer))
            processes.send(self.frozen, signal.SIGSTOP)
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


def planned(kind: str, lasts_s: float, seed: int) -> Scenario:
    """What is going to happen, as far as it can be known."""
    ends = QUIET_S + TROUBLE_S.get(kind, 0.0)
    return Scenario(
        kind,
        lasts_s,
        away=((QUIET_S, ends),) if kind in ("failover", "outage") else (),
        bursts=(Burst(QUIET_S, ends, BURST_TIMES),) if kind == "burst" else (),
        waves=waves(seed, lasts_s),
        hangs=kind == HANGS,
    )


def record(platform: Platform, kind: str, rate: float, lasts_s: float, seed: int) -> Run:
    """Raises: `NotRecorded`, `NoSuchServer`, what the platform's clients raise."""
    viewers = Viewers(platform, f"capacity-{secrets.token_hex(4)}")
    load = Load(viewers, rate, seed)
    sending = Background("load", STROKE_S, load.stroke)
    began = time.time()
    puts: list[tuple[float, int]] = []
    counting = Background("puts", STROKE_S, lambda: puts.append((time.time() - began, load.put)))
    trouble = Trouble(platform, load, began)
    backgrounds = (sending, counting)
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
        puts=tuple(puts),
        batches=tuple(with_firsts(invocations(lines, began), viewers.arrivals, began)),
        stroke_s=load.stroke_s,
        waves=tuple((it.begins, it.ends, it.times) for it in waves(seed, ended)),
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
        lasts_s = given.seconds or LASTS_S[given.kind]
        predicted = _predicted(given, lasts_s) if given.after else ()
        with alone():
            run = record(platform, given.kind, given.rate, lasts_s, given.seed)
        run = replace(run, predicted=predicted)
    except (CannotPlay, CannotTell, NotARun, NotRecorded, NoSuchServer, *UNREACHABLE) as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Load and fault are taken back; nothing is written.\n")
        return 1
    run.write(given.file)
    sys.stdout.write(f"written: {given.file}, {len(run.batches)} invocations\n")
    return 0


def _predicted(given: argparse.Namespace, lasts_s: float) -> tuple[tuple[str, float | None], ...]:
    """Raises: `NotARun`, `CannotTell`."""
    fleet = replace(calibrate(Run.read(given.after)), events_s=given.rate)
    told = tuple(figures(predict(fleet, planned(given.kind, lasts_s, given.seed)).lag).items())
    at = time.strftime("%H:%M:%S")
    sys.stdout.write(f"{at} predicted from {given.after.name} for {given.kind}:\n")
    for what, seconds in told:
        sys.stdout.write(f"  {what}: {'never' if seconds is None else f'{seconds:.2f} s'}\n")
    sys.stdout.flush()
    return told


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="capacity.record", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="steady")
    parser.add_argument("--rate", type=float, default=300.0, help="events a second, in the mean")
    parser.add_argument("--seconds", type=float, help="in all; see LASTS_S")
    parser.add_argument("--seed", type=int, help="of the load's unevenness; another for each kind")
    parser.add_argument("--after", type=Path, help="a steady run: predict from it first")
    given = parser.parse_args(arguments)
    if given.seed is None:
        given.seed = 1 + KINDS.index(given.kind)
    return given


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
