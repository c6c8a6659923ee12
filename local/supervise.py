"""The processes that an instance has started, on paper, so that any later command can end them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from local.instance import remove_state

if TYPE_CHECKING:
    from collections.abc import Iterator

GUARD = "guard"

PATIENCE_SECONDS = 10.0
"""How long a process may take to end itself before it is killed."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was when we started it. The time tells it from a later one with its pid."""

    pid: int
    created: float
    command: str
    stop: int = signal.SIGTERM

    def running(self) -> psutil.Process | None:
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.created) < 0.1
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class Supervisor:
    """Keeps `home/processes.json`. Several processes may use one home at the same time."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = home / "processes.json"
        self._guard: subprocess.Popen[bytes] | None = None

    def record(
        self,
        name: str,
        process: subprocess.Popen[bytes] | int,
        *,
        stop: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Remember a process that was just started. `stop` is the signal that ends it politely."""
        pid = process if isinstance(process, int) else process.pid
        try:
            found = psutil.Process(pid)
            command = " ".join(found.cmdline()[:1])
            entry = Process(pid, found.create_time(), command, stop)
        except psutil.NoSuchProcess:
            return  # ended already; whoever started it will notice by its exit code
        with self._change() as processes:
            processes[name] = entry

    def forget(self, name: str) -> None:
        with self._change() as processes:
            processes.pop(name, None)

    def alive(self, name: str) -> bool:
        entry = self.processes().get(name)
        return entry is not None and entry.running() is not None

    def processes(self) -> dict[str, Process]:
        """Everything recorded, alive or not."""
        try:
            content = json.loads(self._file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return {name: Process(**entry) for name, entry in content.items()}

    def end(self, *names: str) -> int:
        """End these processes: politely first, by force after ten seconds. Forget them.

        Returns how many were still running.
        """
        recorded = self.processes()
        ended = _end([recorded[name] for name in names if name in recorded])
        with self._change() as processes:
            for name in names:
                if processes.get(name) == recorded.get(name):  # not one started meanwhile
                    processes.pop(name, None)
        return ended

    def end_all(self) -> int:
        """End everything recorded; the last started gets its signal first. Returns how many."""
        ended = 0
        while processes := self.processes():  # one that is just starting records itself late
            ended += self.end(*reversed(processes))
        return ended

    def guard(self) -> None:
        """Start a process that ends everything recorded as soon as we are gone, however we went."""
        process = subprocess.Popen(
            [sys.executable, "-m", "local.supervise", str(self._home)],
            stdin=subprocess.PIPE,  # we never write; the system closes it when we end
            cwd=Path(__file__).parent.parent,
            start_new_session=True,  # Ctrl-C in the terminal must not take the guard away
        )
        self._guard = process  # its end of the pipe stays open as long as this object lives
        self.record(GUARD, process, stop=signal.SIGKILL)

    @contextlib.contextmanager
    def _change(self) -> Iterator[dict[str, Process]]:
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / "processes.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            processes = self.processes()
            yield processes
            content = {name: asdict(entry) for name, entry in processes.items()}
            draft = self._file.with_suffix(".new")
            draft.write_text(json.dumps(content, indent=2))
            draft.replace(self._file)


def _end(processes: list[Process]) -> int:
    processes = [process for process in processes if process.running()]
    for process in processes:
        _send(process, process.stop)
    _wait(processes, PATIENCE_SECONDS)
    for process in processes:
        _send(process, signal.SIGKILL)
    _wait(processes, PATIENCE_SECONDS)
    return len(processes)


def _wait(processes: list[Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(process.running() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)


def _send(process: Process, number: int) -> None:
    if running := process.running():
        with contextlib.suppress(psutil.NoSuchProcess):
            running.send_signal(number)


def main() -> None:
    """The guard: wait until the process that started us is gone, then end all that it recorded."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(sys.stdin.fileno(), 1024):
        pass
    home = Path(sys.argv[1])
    supervisor = Supervisor(home)
    while names := [name for name in supervisor.processes() if name != GUARD]:
        supervisor.end(*reversed(names))
    remove_state(home)  # of no use to anybody now, and it may lie where nobody would look
    supervisor.forget(GUARD)


if __name__ == "__main__":
    main()
