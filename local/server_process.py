"""A server of ours as a child process: whether it runs, and how it ended."""

from __future__ import annotations

import contextlib
import subprocess

import psutil

REAP_SECONDS = 5


class ServerProcess:
    """What PostgreSQL's and Valkey's nodes have in common once they are started."""

    _process: subprocess.Popen[bytes] | None = None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def crashed(self) -> bool:
        """Whether it ended by itself or by force. One that was asked to end has not crashed."""
        return self._process is not None and self._process.poll() not in (None, 0)

    @property
    def pid(self) -> int:
        """Of the process that was started last; 0 before."""
        return self._process.pid if self._process is not None else 0

    def kill(self) -> None:
        """End it at once, with the processes that it has started, whatever state they are in."""
        if not self.running():
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(self.pid)
            family = [server, *server.children(recursive=True)]  # it first: it would restart them
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family[1:], REAP_SECONDS)

    def reap(self) -> None:
        """Take note that it has ended, so that no zombie of it stays."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(REAP_SECONDS)
