"""EFS: the folder of an account, below the service's directory."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from privacy.errors import FilesUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID


class Files:
    """`root` is where the file system is mounted, `paths` are the data map's."""

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self._root = root
        self._paths = tuple(paths)

    def count(self, account: UUID) -> int:
        """Files of the account; a link counts as one and is not followed.

        Raises: `FilesUnreachable`.
        """
        try:
            return sum(1 for folder in self._folders(account) for _ in _files(folder))
        except OSError as error:
            raise FilesUnreachable(type(error).__name__) from None

    def erase(self, account: UUID) -> None:
        """Take them away, and their folders. Safe to repeat. Raises: `FilesUnreachable`."""
        try:
            for folder in self._folders(account):
                _remove(folder)
        except OSError as error:
            raise FilesUnreachable(type(error).__name__) from None

    def _folders(self, account: UUID) -> Iterator[Path]:
        if not self._root.is_dir():  # not mounted: no file found is no proof that there is none
            raise FilesUnreachable("the file system is not mounted")
        for path in self._paths:
            yield self._root / path.replace("<account>", str(account))


def _remove(folder: Path) -> None:
    """`lstat` complains about what it cannot see, where `is_dir` would say no."""
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[str]:
    if folder.is_symlink() or folder.is_file():
        yield folder.name
        return
    for place, folders, files in os.walk(folder, onerror=_complain):
        yield from files
        yield from (each for each in folders if (Path(place) / each).is_symlink())


def _complain(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
