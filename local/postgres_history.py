"""A cluster's past: a copy of the whole, and the archive of everything written since."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from local.postgres import Node
    from local.unprivileged import Account

QUIET = dt.timedelta(seconds=10)
"""What was committed longer ago is archived, unless a file waits: `archive_timeout` is half."""

LONGEST_ARCHIVE = 1024
"""Files of 1 MiB each. A laptop's disk is small, so the past is shorter than Aurora's 35 days."""

CLOCK = dt.timedelta(milliseconds=1)
"""RDS tells times in these; what it tells must be true."""

RACE = dt.timedelta(milliseconds=100)
"""A commit reads the clock a moment before it is written, perhaps into the next file."""

SEGMENT = re.compile(r"[0-9A-F]{24}")


class History:
    """What a point in time can be restored from. One thread at a time may change it."""

    def __init__(self, home: Path, account: Account) -> None:
        self.archive = home / "archive"
        self.base = home / "base"
        self.earliest = dt.datetime.now(dt.UTC)
        self._latest = dt.datetime.fromtimestamp(0, dt.UTC)
        self._account = account
        self._still = threading.Lock()

    def begin(self) -> None:
        self._account.directory(self.archive)

    def back_up(self, writer: Node) -> None:
        """Take a new copy, and forget what came before it. Not while somebody copies the past."""
        if not self._still.acquire(blocking=False):
            return
        try:
            self._back_up(writer)
        finally:
            self._still.release()

    def copy(self, volume: Path, archive: Path) -> None:
        """Copy what a restore needs: the base to `volume`, an empty directory, and the archive.

        The files of the archive are shared, as they never change.
        """
        with self._still:
            self._account.run("cp", "-R", "-p", f"{self.base}/.", volume)
            for path in self.archive.iterdir():
                if not path.name.endswith(".part"):
                    os.link(path, archive / path.name)

    def too_long(self) -> bool:
        return sum(1 for _ in self.archive.iterdir()) > LONGEST_ARCHIVE

    def latest(self, writer: Node, asked: dt.datetime) -> dt.datetime:
        """Every commit up to this moment is in the archive, as seen after it was `asked`."""
        waiting = any((writer.directory / "pg_wal" / "archive_status").glob("*.ready"))
        settled = asked - QUIET if writer.running() and not waiting else self.earliest
        self._latest = max(self._latest, self.earliest, settled, self._last_archived() - RACE)
        return self._latest

    def _last_archived(self) -> dt.datetime:
        """When the last file of the archive was written to by its server, which says so."""
        last = max((p for p in self.archive.iterdir() if SEGMENT.fullmatch(p.name)), default=None)
        written = last.stat().st_mtime if last else 0
        return dt.datetime.fromtimestamp(written, dt.UTC)

    def _back_up(self, writer: Node) -> None:
        draft = self.base.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        writer.back_up(self._account.directory(draft))
        self.earliest = dt.datetime.now(dt.UTC) + CLOCK  # whoever cuts it off is not too early
        shutil.rmtree(self.base, ignore_errors=True)
        draft.rename(self.base)
        label = (self.base / "backup_label").read_text()
        first = re.search(r"^START WAL LOCATION: .* \(file (\w+)\)$", label, re.MULTILINE)
        for path in self.archive.iterdir():
            if first and path.name[:24].isalnum() and path.name[8:24] < first[1][8:]:
                path.unlink(missing_ok=True)
