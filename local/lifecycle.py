"""Start and end the laptop cloud of one instance; both can be repeated and interrupted."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from local import doctor, shellenv
from local.certificates import Authority
from local.complaint import Complaint
from local.supervise import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.instance import Instance

LAUNCHER = "launcher"
START_SECONDS = 60
PORTS_PER_INSTANCE = 50


def up(instance: Instance, say: Callable[[str], None]) -> bool:
    """Bring the cloud up. True when it was started now, False when it ran already.

    Raises: `Complaint` with the remedy when it cannot start.
    """
    with _only_one(instance):
        if healthy(instance):
            say("The laptop cloud is up already.")
            return False
        if _leftovers(instance):
            say("An earlier run did not end cleanly: ending its processes and starting afresh.")
            _end(instance)
        first = instance.port_base
        doctor.examine(instance.root, range(first, first + PORTS_PER_INSTANCE))
        instance.remember()
        Authority.at(instance.ca.parent)
        _start(instance)
        shellenv.write(instance.env_file, instance.client_env())
        return True


def down(instance: Instance) -> int:
    """End every recorded process and remove the state. Returns how many processes were ended."""
    with _only_one(instance):
        return _end(instance)


def healthy(instance: Instance) -> bool:
    """Whether the launcher that we recorded lives and answers."""
    return Supervisor(instance.home).alive(LAUNCHER) and _answers(instance)


def require_up(instance: Instance) -> None:
    """Raise a `Complaint` unless the cloud runs."""
    if not healthy(instance):
        raise Complaint("The laptop cloud is down.", "Start it: make up")


def _answers(instance: Instance) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", instance.port_base, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        answer = connection.getresponse()
        return answer.status == http.HTTPStatus.OK and "services" in json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _leftovers(instance: Instance) -> bool:
    return (instance.home / "processes.json").exists()


def _start(instance: Instance) -> None:
    log = instance.logs / "launcher.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "local.launcher", "--instance", instance.name],
            cwd=instance.root,
            env=instance.child_env(),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    Supervisor(instance.home).record(LAUNCHER, process)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if _answers(instance):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    _end_processes(instance)
    raise Complaint(
        f"The laptop cloud did not start: {_last_line(log.read_text(errors='replace'))}",
        f"The whole story stands in {log}.",
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing."


def _end(instance: Instance) -> int:
    ended = _end_processes(instance)
    for place in (instance.state, instance.home):
        shutil.rmtree(place, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        instance.env_file.unlink()
    return ended


def _end_processes(instance: Instance) -> int:
    """How many were still running; the recorded ones that ended by themselves do not count."""
    supervisor = Supervisor(instance.home)
    running = [entry for entry in supervisor.processes().values() if entry.running()]
    supervisor.end_all()
    return len(running)


@contextlib.contextmanager
def _only_one(instance: Instance) -> Iterator[None]:
    """One `up` or `down` at a time; a second one waits for the first."""
    instance.home.parent.mkdir(parents=True, exist_ok=True)
    with (instance.home.parent / f"{instance.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
