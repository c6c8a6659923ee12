"""The faults themselves. Each is real, bounded, and can be taken back at any moment."""

from __future__ import annotations

import signal
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos import processes
from local import cuts

if TYPE_CHECKING:
    from collections.abc import Callable

    import psutil

    from chaos.clients import Reader, Writer
    from chaos.timeline import Timeline
    from chaos.viewers import Viewers
    from demo.platform import Platform


class NotInjected(Exception):
    """The fault could not be made; the message says why. The platform is as it was."""


class NotAnswered(Exception):
    """People could not do what the fault asks of them; the message says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a fault may look at to find its victim, and who hears of it."""

    platform: Platform
    writer: Writer
    reader: Reader
    viewers: Viewers
    timeline: Timeline
    patient: bool
    """Whether there is time for more than the shortest form."""
    say: Callable[[str], None]
    """To whoever watches."""

    def note(self, what: str) -> None:
        """For the timeline, and said now."""
        self.timeline.note(time.time(), what)
        self.say(what)


class Fault(ABC):
    given_up: tuple[float, float] | None = None
    """Rows that were acknowledged between these moments are lost on purpose; the second one is the
    fault's."""

    @abstractmethod
    def inject(self, stage: Stage) -> str:
        """Says what was done, at the moment when it is done."""

    def answer(self, stage: Stage) -> None:  # noqa: B027  most end without anybody's doing
        """What people do about it. Returns when they have done it."""

    def heal(self, stage: Stage) -> str:  # noqa: ARG002
        """Take back what does not end by itself, and say what, or nothing.

        May be called before, after and instead of `inject`.
        """
        return ""


class Killed(Fault):
    """SIGKILL to a server's first process, as when its host dies."""

    def inject(self, stage: Stage) -> str:
        name = self._victim(stage)
        processes.send([processes.server(name)], signal.SIGKILL)
        return f"SIGKILL to {name}"

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


class WriterFrozen(Fault):
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


class NetworkCut(Fault):
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
