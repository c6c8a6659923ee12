"""The laptop cloud's processes: which one a fault is about, and the signals it gets."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from local.lifecycle import LAUNCHER
from local.supervise import Supervisor

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable


class NoSuchServer(Exception):
    """The laptop cloud has no process of that name, or it does not run."""


def home() -> Path:
    """Of the instance whose environment this is (`local run` sets it)."""
    return Path(os.environ["STREAMFLIX_HOME"])


def server(name: str) -> psutil.Process:
    """A server that the instance has started and recorded. Raises: `NoSuchServer`."""
    entry = Supervisor(home()).processes().get(name)
    running = entry.running() if entry else None
    if running is None:
        raise NoSuchServer(name)
    return running


def servers(prefix: str) -> list[str]:
    """The names of the servers that run and begin so, in order."""
    recorded = Supervisor(home()).processes()
    return sorted(
        name for name, entry in recorded.items() if name.startswith(prefix) and entry.running()
    )


def of_function(function: str) -> list[psutil.Process]:
    """The processes of a Lambda function: its name is in the path of what they run."""
    place = f"ministack-lambda-{function}-"
    found = []
    for child in server(LAUNCHER).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if any(place in word for word in child.cmdline()):
                found.append(child)
    return found


def with_children(process: psutil.Process) -> list[psutil.Process]:
    """The process first: it must not replace a child that stops before it."""
    return [process, *process.children(recursive=True)]


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """To those that are still the processes they were."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
