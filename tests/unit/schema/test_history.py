"""Which migrations are pending, and which histories are refused."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema import migrations
from schema.errors import BadPackage, HistoryDiffers
from schema.migrations import Migration, Step, digest, load, pending

if TYPE_CHECKING:
    from pathlib import Path


def package(count: int) -> list[Migration]:
    return [
        Migration(version, f"{version:04d}_step", f"{version:064x}", "SELECT 1")
        for version in range(1, count + 1)
    ]


def write(directory: Path, **files: str) -> Path:
    for name, content in files.items():
        (directory / f"{name}.sql").write_text(content)
    return directory


@given(st.integers(0, 9), st.integers(1, 9))
def test_what_is_not_applied_is_pending_and_a_database_ahead_is_accepted(
    applied: int, held: int
) -> None:
    assert pending(package(applied), package(held)) == package(held)[applied:]


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_one_edited_migration_is_always_refused_by_its_name(
    applied: int, held: int, data: st.DataObject
) -> None:
    history: list[Step] = list(package(applied))
    at = data.draw(st.integers(0, min(applied, held) - 1))
    history[at] = replace(history[at], sha256="f" * 64)

    with pytest.raises(HistoryDiffers, match=f"^{history[at].name} was edited"):
        pending(history, package(held))


def test_two_migrations_that_changed_places_are_both_named() -> None:
    first, second, third = package(3)
    swapped = [
        first,
        replace(second, name="0002_other", sha256=third.sha256),
        replace(third, name="0003_other", sha256=second.sha256),
    ]

    with pytest.raises(HistoryDiffers) as refused:
        pending([first, second, third], swapped)

    assert str(refused.value) == (
        "0002_step was applied where the package has 0002_other; "
        "0003_step was applied where the package has 0003_other"
    )


def test_a_migration_slipped_in_before_one_that_is_applied_is_refused() -> None:
    first, _, third = package(3)

    with pytest.raises(HistoryDiffers, match=r"^0002_step was not applied before 0003_step$"):
        pending([first, third], package(3))


def test_a_migration_that_was_applied_and_is_gone_is_refused() -> None:
    first, _, third = package(3)

    with pytest.raises(HistoryDiffers, match=r"^0002_step was applied and is missing"):
        pending(package(3), [first, third])


@pytest.mark.parametrize("versions", [[2], [1, 3], [1, 2, 2]])
def test_numbers_with_a_gap_or_a_repetition_are_no_package(versions: list[int]) -> None:
    steps = package(3)

    with pytest.raises(BadPackage, match="without a gap or a repetition"):
        pending([], [steps[version - 1] for version in versions])


def test_migrations_are_read_in_order_with_their_checksums(tmp_path: Path) -> None:
    write(tmp_path, **{"0002_b": "SELECT 2", "0001_a": "SELECT 1"})

    assert load(tmp_path) == [
        Migration(1, "0001_a", hashlib.sha256(b"SELECT 1").hexdigest(), "SELECT 1"),
        Migration(2, "0002_b", hashlib.sha256(b"SELECT 2").hexdigest(), "SELECT 2"),
    ]


@pytest.mark.parametrize("name", ["1_a", "0001", "0001_A", "0001-a", "setup"])
def test_a_file_that_is_named_otherwise_is_refused_by_name(tmp_path: Path, name: str) -> None:
    write(tmp_path, **{name: "SELECT 1"})

    with pytest.raises(BadPackage, match=f"^{name}.sql is no name of a migration"):
        load(tmp_path)


def test_a_package_without_migrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPackage, match="there are none"):
        load(tmp_path)


def test_the_digest_is_what_sha256sum_says() -> None:
    listing = subprocess.run(
        "LC_ALL=C; sha256sum *.sql | sha256sum",
        shell=True,
        cwd=migrations.DIRECTORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert digest(load()) == listing.split()[0]


def test_the_digest_knows_names_and_contents(tmp_path: Path) -> None:
    def of(**files: str) -> str:
        for path in tmp_path.iterdir():
            path.unlink()
        return digest(load(write(tmp_path, **files)))

    digests = {
        of(**{"0001_a": "SELECT 1"}),
        of(**{"0001_b": "SELECT 1"}),
        of(**{"0001_a": "SELECT 2"}),
        of(**{"0001_a": "SELECT 1", "0002_b": ""}),
    }
    assert len(digests) == 4


def test_our_migrations_leave_transactions_to_the_runner_and_only_expand() -> None:
    words = [
        (step.name, word)
        for step in load()
        for word in ("COMMIT;", "ROLLBACK", "BEGIN;", "DROP TABLE", "DROP COLUMN", "DROP SCHEMA")
        if word in step.sql.upper()
    ]
    assert words == []


def test_a_migrations_text_stays_out_of_its_repr() -> None:
    assert "SELECT" not in repr(package(1)[0])
