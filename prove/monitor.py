"""How soon the monitor tells what went blind or stands still, for a proof: prints JSON, ends with 1
when a bar is missed.

Runs inside `local run`, on a stack whose `RpoSeconds` is `OBJECTIVE_SECONDS`: what the archive
lacks is a breach when it is older than that, and the bar leaves no time for more.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chaos import processes
from demo.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psutil

OBJECTIVE_SECONDS: Final = 60
"""The least that the template takes."""
BAR_SECONDS: Final = 120.0
PATIENCE_SECONDS: Final = 240.0
LOOK_SECONDS: Final = 0.5
DENIED_POLICY: Final = "denied-by-a-proof"
DENIED_CALL: Final = "rds:DescribeDBClusters"


@dataclass(frozen=True, slots=True)
class Blow:
    """What happens, and the words by which the monitor must call it."""

    name: str
    words: str
    struck: Callable[[Platform], contextlib.AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds; nothing means that it was not within `PATIENCE_SECONDS`."""

    name: str
    breached_s: float | None
    """From the blow to the word."""
    over_s: float | None
    """From its end until the word is gone."""

    @property
    def held(self) -> bool:
        return self.over_s is not None and (self.breached_s or BAR_SECONDS + 1) <= BAR_SECONDS


def main() -> int:
    platform = Platform.open(Path(os.environ["STREAMFLIX_OUTPUTS"]))
    told = [_told(platform, blow) for blow in BLOWS]
    sys.stdout.write(json.dumps([asdict(each) for each in told]))
    return 0 if all(each.held for each in told) else 1


def _told(platform: Platform, blow: Blow) -> Told:
    """The blow falls on a platform of which nothing like it is told, and is taken back."""
    if _seconds_until(lambda: not _breached(platform, blow.words)) is None:
        raise SystemExit(f"{blow.words!r} is breached before anything has happened")
    sys.stderr.write(f"{blow.name} …\n")
    with blow.struck(platform):
        breached = _seconds_until(lambda: _breached(platform, blow.words))
    over = _seconds_until(lambda: not _breached(platform, blow.words))
    sys.stderr.write(f"  told after {breached} s, over {over} s after its end\n")
    return Told(blow.name, breached, over)


def _seconds_until(happens: Callable[[], bool]) -> float | None:
    began = time.monotonic()
    while (gone := time.monotonic() - began) < PATIENCE_SECONDS:
        if happens():
            return round(gone, 1)
        time.sleep(LOOK_SECONDS)
    return None


def _breached(platform: Platform, words: str) -> bool:
    """Whether the monitor says so, in its own record: what `make incident` shows."""
    found = platform.client("dynamodb").get_item(
        TableName=f"streamflix-incidents-{platform.suffix}",
        Key={"kind": {"S": "state"}, "at": {"S": "monitor"}},
        ConsistentRead=True,
    )
    record: dict[str, Any] = json.loads(found["Item"]["record"]["S"]) if "Item" in found else {}
    return any(each.startswith(words) for each in record.get("breached", ()))


@contextlib.contextmanager
def _denied(platform: Platform) -> Iterator[None]:
    """As when somebody edits the role by hand."""
    iam, role = platform.client("iam"), f"streamflix-recovery-monitor-{platform.suffix}"
    statement = {"Effect": "Deny", "Action": DENIED_CALL, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName=DENIED_POLICY, PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=DENIED_POLICY)


@contextlib.contextmanager
def _replay_stopped(platform: Platform) -> Iterator[None]:
    """SIGSTOP to what applies the log on each reader: it answers, and shows what was."""
    with _stopped(_children(platform, "startup")):
        yield


@contextlib.contextmanager
def _archiving_stopped(platform: Platform) -> Iterator[None]:
    """SIGSTOP to the archivers: the writer goes on writing."""
    with _stopped(_children(platform, "archiver")):
        yield


@contextlib.contextmanager
def _stopped(victims: list[psutil.Process]) -> Iterator[None]:
    processes.send(victims, signal.SIGSTOP)
    try:
        yield
    finally:
        processes.send(victims, signal.SIGCONT)


def _children(platform: Platform, title: str) -> list[psutil.Process]:
    """Processes of the cluster's servers that PostgreSQL gives this title."""
    postmasters = [processes.server(name) for name in processes.servers(_cluster(platform))]
    found = [
        child
        for postmaster in postmasters
        for child in postmaster.children()
        if f": {title}" in " ".join(child.cmdline())
    ]
    if not found:
        raise SystemExit(f"no server of {_cluster(platform)} has a process called {title}")
    return found


def _cluster(platform: Platform) -> str:
    return f"{platform.outputs['AuroraClusterId']}-"


BLOWS: Final = (
    Blow(f"{DENIED_CALL} is denied to the monitor", "database could not be looked at", _denied),
    Blow("both readers stand still", "readers show what was", _replay_stopped),
    Blow("nothing is archived any more", "a restore would lose", _archiving_stopped),
)


if __name__ == "__main__":
    sys.exit(main())
