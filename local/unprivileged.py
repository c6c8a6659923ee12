"""Run the servers as an account that owns nothing: PostgreSQL refuses root, and rightly so."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.complaint import Complaint
from local.instance import reachable

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the servers: `nobody` when we are root, otherwise we ourselves."""

    uid: int | None
    gid: int | None

    @classmethod
    def for_servers(cls) -> Account:
        """Raises: `Complaint` when we are root and there is no such account."""
        if os.geteuid() != 0:
            return cls(None, None)
        try:
            found = pwd.getpwnam(NOBODY)
        except KeyError:
            raise Complaint(
                f"PostgreSQL refuses to run as root, and there is no account {NOBODY!r}.",
                "Run the laptop cloud as an ordinary user.",
            ) from None
        return cls(found.pw_uid, found.pw_gid)

    def run(self, *command: str | Path) -> None:
        """Run a program to its end. Raises: `ProgramFailedError` with what it said."""
        done = subprocess.run(
            list(command),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
            umask=0o077,
        )
        if done.returncode != 0:
            raise ProgramFailedError(f"{command[0]}: {done.stderr.strip()}")

    def start(self, *command: str | Path, log: Path) -> subprocess.Popen[bytes]:
        """Start a server in a session of its own: Ctrl-C in our terminal is not for it."""
        log.touch(mode=0o600)
        with log.open("ab") as sink:
            return subprocess.Popen(
                list(command),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=_environment(),
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.uid is None else [],
                umask=0o077,
                start_new_session=True,
            )

    def directory(self, path: Path) -> Path:
        """A directory of the servers' own, readable by nobody else. Its parent must exist."""
        path.mkdir(mode=0o700, exist_ok=True)
        self._give(path)
        return path

    def file(self, path: Path, content: str) -> Path:
        """A file of the servers' own, readable by nobody else, and never seen half written."""
        draft = path.with_name(f"{path.name}.new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(content)
        self._give(draft)
        return draft.replace(path)

    def programs(self, site: Path, state: Path, *parts: str) -> Path:
        """Where these parts of site-packages can be run by the servers: in place, or copied once.

        A checkout under /root is closed to `nobody`, hence the copy.
        """
        present = [part for part in parts if (site / part).exists()]
        if self.uid is None or all(reachable(site / part) for part in present):
            return site
        copy = state / "programs"
        copy.mkdir(mode=0o711, exist_ok=True)
        with (copy / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for part in present:
                if not (copy / part).exists():
                    draft = copy / "draft"
                    shutil.rmtree(draft, ignore_errors=True)
                    shutil.copytree(site / part, draft, symlinks=True)
                    (copy / part).parent.mkdir(mode=0o711, parents=True, exist_ok=True)
                    draft.rename(copy / part)
        return copy

    def _give(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


class ProgramFailedError(Exception):
    """A program that must succeed did not. What it said follows; the rest stands in the logs."""


def _environment() -> dict[str, str]:
    """Nothing of ours: no credentials, no PG* variables, and UTC instead of the laptop's time."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
