"""The faults themselves. Each is real, bounded, and can be taken back at any moment.

`inject` says what was done, at the moment when it is done; `heal` takes back what does not end by
itself and says what, or nothing; it may be called before, after and instead of `inject`.
"""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from chaos import processes
from chaos.session import Session
from local import cuts

if TYPE_CHECKING:
    import psutil

    from chaos.clients import Reader, Writer
    from chaos.viewers import Viewers
    from demo.platform import Platform

CAUGHT_WITHIN_S: Final = 30.0
SETTLE_S: Final = 0.05
BURST_EVENTS: Final = 2_000
HELD_WITHIN_S: Final = 30.0

# Everybody may see everybody's locks; the state of a session is hidden from all other logins, and
# the consumer uses two by turns.
WAITING: Final = """
SELECT DISTINCT pid FROM pg_locks
WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))
"""
OPEN: Final = """
SELECT count(*) FROM pg_locks WHERE locktype = 'virtualxid' AND granted AND pid = ANY(%s)
"""
HOLD: Final = "SELECT count(*) FROM (SELECT 1 FROM analytics.shard_watermark FOR UPDATE) AS held"


class NotInjected(Exception):
    """The fault could not be made; the message says why. The platform is as it was."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a fault may look at to find its victim."""

    platform: Platform
    writer: Writer
    reader: Reader
    viewers: Viewers


class Fault(Protocol):
    def inject(self, stage: Stage) -> str: ...

    def heal(self, stage: Stage) -> str: ...


class Killed(ABC):
    """SIGKILL to a server's first process, as when its host dies."""

    def inject(self, stage: Stage) -> str:
        name = self._victim(stage)
        processes.send([processes.server(name)], signal.SIGKILL)
        return f"SIGKILL to {name}"

    def heal(self, stage: Stage) -> str:  # noqa: ARG002
        return ""

    @abstractmethod
    def _victim(self, stage: Stage) -> str:
        """The server's name."""


class WriterKilled(Killed):
    def _victim(self, stage: Stage) -> str:
        return stage.writer.server


class ReaderKilled(Killed):
    """The one that the application is reading from."""

    def _victim(self, stage: Stage) -> str:
        return stage.reader.server


class CacheKilled(Killed):
    """The first primary: the one that clients ask for the others' addresses."""

    def _victim(self, stage: Stage) -> str:
        return processes.servers(f"streamflix-redis-{stage.platform.suffix}-")[0]


class WriterFrozen:
    """SIGSTOP to the writer and all its children: it takes connections and answers none."""

    def __init__(self) -> None:
        self._frozen: list[psutil.Process] = []

    def inject(self, stage: Stage) -> str:
        postmaster = processes.server(stage.writer.server)
        self._frozen = processes.with_children(postmaster)
        processes.send(self._frozen, signal.SIGSTOP)
        return f"SIGSTOP to {stage.writer.server} and {len(self._frozen) - 1} children"

    def heal(self, stage: Stage) -> str:  # noqa: ARG002
        frozen = [each for each in self._frozen if each.is_running()]
        self._frozen = []
        processes.send(reversed(frozen), signal.SIGCONT)
        return f"SIGCONT to {len(frozen)} processes that nobody had ended" if frozen else ""


class NetworkCut:
    """The writer endpoint resets every client, for so many seconds. Its servers live on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def inject(self, stage: Stage) -> str:
        where = stage.platform.login("app")
        address = f"{where['host']}:{where['port']}"
        cuts.cut(processes.home(), [address], self._seconds)
        return f"{address} resets every client for {self._seconds:.0f} s"

    def heal(self, stage: Stage) -> str:  # noqa: ARG002
        cuts.heal(processes.home())
        return ""


class ConsumerKilled:
    """SIGKILL to the consumer while its transaction is open.

    Its rows are held until it waits for them, inside of its transaction. There it is stopped, and
    only then it gets them: its transaction stays open until it dies.
    """

    def __init__(self) -> None:
        self._stopped: list[psutil.Process] = []

    def inject(self, stage: Stage) -> str:
        session = _holding(stage, CAUGHT_WITHIN_S)
        try:
            stage.viewers.burst(BURST_EVENTS)
            waiting = _waiting(session)
            function = stage.platform.outputs["AnalyticsFunctionName"]
            self._stopped = processes.of_function(function)
            processes.send(self._stopped, signal.SIGSTOP)
            session.run("COMMIT")
            time.sleep(SETTLE_S)  # what it had sent already is done by then
            [(still_open,)] = session.run(OPEN, (waiting,))
            if not (self._stopped and still_open):
                raise NotInjected(f"{len(self._stopped)} consumers, {still_open} transactions open")
            processes.send(self._stopped, signal.SIGKILL)
            return f"SIGKILL to {len(self._stopped)} consumers, a transaction open"
        finally:
            session.close()
            self.heal(stage)

    def heal(self, stage: Stage) -> str:  # noqa: ARG002
        processes.send(self._stopped, signal.SIGCONT)
        self._stopped = []
        return ""


class StreamStalled:
    """Somebody holds the consumer's rows in a transaction that was left open.

    The server ends it after `seconds`, even if nobody is left to do so.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._session: Session | None = None

    def inject(self, stage: Stage) -> str:
        self._session = _holding(stage, self._seconds)
        return "a transaction holds the rows that the consumer needs"

    def heal(self, stage: Stage) -> str:  # noqa: ARG002
        session, self._session = self._session, None
        if session is None:
            return ""
        session.close()
        return "the transaction that was left open is ended"


def _holding(stage: Stage, seconds: float) -> Session:
    """A session whose transaction holds the consumer's rows, for so many seconds at the most."""
    bound = f"-c idle_in_transaction_session_timeout={seconds:.0f}s"
    session = Session(stage.platform, "analytics", options=bound)
    session.run("BEGIN")
    session.run(HOLD, within=HELD_WITHIN_S)
    return session


def _waiting(session: Session) -> list[int]:
    """The server's processes that wait for what this session holds, once there are some."""
    deadline = time.monotonic() + CAUGHT_WITHIN_S
    while time.monotonic() < deadline:
        if found := session.run(WAITING):
            return [pid for (pid,) in found]
        time.sleep(SETTLE_S)
    raise NotInjected(f"nobody asked for the consumer's rows in {CAUGHT_WITHIN_S:.0f} s")
