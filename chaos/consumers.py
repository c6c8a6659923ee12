"""Faults of the stream's consumer: it dies in its transaction, or somebody stands in its way."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Final

from chaos import processes
from chaos.faults import Fault, NotInjected
from chaos.session import Session

if TYPE_CHECKING:
    import psutil

    from chaos.faults import Stage

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


class ConsumerKilled(Fault):
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


class StreamStalled(Fault):
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
