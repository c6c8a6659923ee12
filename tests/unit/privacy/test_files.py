"""The folder of an account goes, and nothing that it points at."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from privacy.errors import FilesUnreachable
from privacy.files import Files

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = uuid.UUID("0b3a5f3e-5f0e-4a36-8f0b-0c7a3f9a1d10")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path, ["accounts/<account>"])


def folder(tmp_path: Path) -> Path:
    place = tmp_path / "accounts" / str(ACCOUNT)
    place.mkdir(parents=True)
    return place


def test_files_in_folders_are_counted_and_go(files: Files, tmp_path: Path) -> None:
    place = folder(tmp_path)
    (place / "pictures").mkdir()
    (place / "pictures" / "a.png").write_text("a")
    (place / "b.png").write_text("b")
    assert files.count(ACCOUNT) == 2

    files.erase(ACCOUNT)
    files.erase(ACCOUNT)

    assert files.count(ACCOUNT) == 0
    assert list((tmp_path / "accounts").iterdir()) == []


def test_what_a_link_points_at_stays(files: Files, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "logo.png").write_text("logo")
    place = folder(tmp_path)
    (place / "logo").symlink_to(shared)
    assert files.count(ACCOUNT) == 1

    files.erase(ACCOUNT)

    assert (shared / "logo.png").read_text() == "logo"
    assert not place.exists()


def test_an_account_that_is_a_link_goes_as_a_link(files: Files, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / str(ACCOUNT)).symlink_to(shared)
    assert files.count(ACCOUNT) == 1

    files.erase(ACCOUNT)

    assert files.count(ACCOUNT) == 0
    assert shared.is_dir()


def test_a_file_system_that_is_not_mounted_is_no_proof(tmp_path: Path) -> None:
    files = Files(tmp_path / "absent", ["accounts/<account>"])

    with pytest.raises(FilesUnreachable):
        files.count(ACCOUNT)
    with pytest.raises(FilesUnreachable):
        files.erase(ACCOUNT)
