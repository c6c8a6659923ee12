"""What a point in time can be restored from is kept, what nothing can use is not."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from typing import TYPE_CHECKING, Any, cast

import pytest

from local import postgres_history
from local.postgres_history import History

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)


class Account:
    def directory(self, path: Path) -> Path:
        path.mkdir()
        return path

    def run(self, *command: str | Path) -> None:
        subprocess.run(command, check=True)


class Writer:
    """A server whose copies begin at the segment that it was told last."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.status = directory / "pg_wal" / "archive_status"
        self.status.mkdir(parents=True)
        self.begins = "0" * 24
        self.lives = True

    def running(self) -> bool:
        return self.lives

    def back_up(self, target: Path) -> None:
        label = f"START WAL LOCATION: 0/2000028 (file {self.begins})\nLABEL: x\n"
        (target / "backup_label").write_text(label)


@pytest.fixture
def writer(tmp_path: Path) -> Any:
    return Writer(tmp_path / "writer")


@pytest.fixture
def history(tmp_path: Path, writer: Any) -> History:
    history = History(tmp_path, cast("Any", Account()))
    history.begin()
    history.back_up(writer)
    return history


def test_a_new_copy_takes_the_archive_before_it_along(history: History, writer: Any) -> None:
    for name in ("00000001", "00000002"):
        for segment in (1, 2, 3):
            (history.archive / f"{name}{segment:016X}").touch()
    (history.archive / "00000002.history").touch()
    before = history.earliest
    writer.begins = f"00000002{2:016X}"

    history.back_up(writer)

    left = {path.name for path in history.archive.iterdir()}
    kept = {f"{name}{segment:016X}" for name in ("00000001", "00000002") for segment in (2, 3)}
    assert left == kept | {"00000002.history"}
    assert history.earliest > before


def test_the_archive_is_too_long_when_the_disk_would_notice(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_history, "LONGEST_ARCHIVE", 3)
    answers = []
    for n in range(4):
        (history.archive / str(n)).touch()
        answers.append(history.too_long())

    assert answers == [False, False, False, True]


def archived(history: History, number: int, when: dt.datetime) -> Path:
    segment = history.archive / f"{1:08X}{number:016X}"
    segment.touch()
    os.utime(segment, (when.timestamp(), when.timestamp()))
    return segment


def test_with_nothing_waiting_all_but_the_last_seconds_can_be_restored(
    history: History, writer: Any
) -> None:
    history.earliest = NOW - dt.timedelta(hours=1)

    assert history.latest(writer, NOW) == NOW - postgres_history.QUIET


def test_a_waiting_file_holds_the_latest_moment_back(history: History, writer: Any) -> None:
    history.earliest = NOW - dt.timedelta(hours=1)
    (writer.status / f"{1:024X}.ready").touch()

    assert history.latest(writer, NOW) == history.earliest
    archived(history, 1, written := NOW - dt.timedelta(minutes=2))
    assert history.latest(writer, NOW) == written - postgres_history.RACE


def test_without_a_writer_nothing_later_than_the_last_file_is_promised(
    history: History, writer: Any
) -> None:
    history.earliest = NOW - dt.timedelta(hours=1)
    archived(history, 1, written := NOW - dt.timedelta(minutes=2))
    writer.lives = False

    assert history.latest(writer, NOW) == written - postgres_history.RACE


def test_what_could_be_restored_once_can_be_restored_still(history: History, writer: Any) -> None:
    history.earliest = NOW - dt.timedelta(hours=1)
    before = history.latest(writer, NOW)
    writer.lives = False

    assert history.latest(writer, NOW + dt.timedelta(minutes=1)) == before


def test_nothing_before_the_copy_can_be_restored(history: History, writer: Any) -> None:
    assert history.latest(writer, history.earliest) == history.earliest


def test_a_restore_gets_the_copy_and_every_whole_file_of_the_archive(
    history: History, tmp_path: Path
) -> None:
    segment = archived(history, 1, NOW)
    (history.archive / f"{2:024X}.7.part").touch()
    volume, archive = tmp_path / "volume", tmp_path / "past"
    volume.mkdir()
    archive.mkdir()

    history.copy(volume, archive)
    segment.unlink()

    assert {path.name for path in volume.iterdir()} == {"backup_label"}
    assert {path.name for path in archive.iterdir()} == {segment.name}


def test_the_copy_stays_while_a_restore_takes_it(history: History, writer: Any) -> None:
    before = history.earliest
    with history._still:
        history.back_up(writer)
    assert history.earliest == before

    history.back_up(writer)
    assert history.earliest > before
