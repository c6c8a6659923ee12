"""A cluster's past: a copy of the whole, and the archive of everything written since."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from local.postgres import Node
    from local.unprivileged import Account

QUIET = dt.timedelta(seconds=10)
"""What was committed longer ago is archived, unless a file waits: `archive_timeout` is half."""

LONGEST_ARCHIVE = 1024
"""Files of 1 MiB each. A laptop's disk is small, so the past is shorter than Aurora's 35 days."""


class History:
    """What a point in time can be restored from. One thread at a time may change it."""

    def __init__(self, home: Path, account: Account) -> None:
        self.archive = home / "archive"
        self.base = home / "base"
        self.earliest = dt.datetime.now(dt.UTC)
        self._account = account

    def begin(self) -> None:
        self._account.directory(self.archive)

    def back_up(self, writer: Node) -> None:
        """Take a new copy, and forget what came before it."""
        draft = self.base.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        writer.back_up(self._account.directory(draft))
        self.earliest = dt.datetime.now(dt.UTC)
        shutil.rmtree(self.base, ignore_errors=True)
        draft.rename(self.base)
        label = (self.base / "backup_label").read_text()
        first = re.search(r"^START WAL LOCATION: .* \(file (\w+)\)$", label, re.MULTILINE)
        for path in self.archive.iterdir():
            if first and path.name[:24].isalnum() and path.name[8:24] < first[1][8:]:
                path.unlink(missing_ok=True)

    def too_long(self) -> bool:
        return sum(1 for _ in self.archive.iterdir()) > LONGEST_ARCHIVE

    def latest(self, writer: Node, archived: dt.datetime | None, asked: dt.datetime) -> dt.datetime:
        """Every commit up to this moment is in the archive.

        `archived` is when the last file got there, as the writer told after it was `asked`.
        """
        waiting = any((writer.directory / "pg_wal" / "archive_status").glob("*.ready"))
        settled = self.earliest if waiting else asked - QUIET
        return max(self.earliest, settled, archived or settled)
