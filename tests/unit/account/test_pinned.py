"""A template's line follows its source, and agrees with what the functions compute."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from account import __main__ as command
from account import pinned
from account.refusal import Refusal
from privacy import data_map
from schema import migrations

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
Resources:
  DatabaseSchema:
    Type: Custom::DatabaseSchema
    Properties:
      MigrationsSha256: {sha}
      ClusterResourceId: !Ref ClusterResourceId  # MigrationsSha256 stands above
"""
STALE = "0" * 64


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "schema.yaml"
    path.write_text(TEMPLATE.format(sha=STALE))
    return path


@pytest.fixture
def pin(tmp_path: Path, template: Path) -> pinned.Pin:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    return replace(pinned.MIGRATIONS, source=tmp_path, template=template)


def test_it_is_what_the_functions_will_compute() -> None:
    assert pinned.MIGRATIONS.sha256 == migrations.digest(migrations.load())
    assert pinned.DATA_MAP.sha256 == hashlib.sha256(data_map.FILE.read_bytes()).hexdigest()


def test_writing_changes_that_line_and_no_other(pin: pinned.Pin, template: Path) -> None:
    assert pin.write()

    sha = pin.sha256
    assert template.read_text() == TEMPLATE.format(sha=sha)
    assert not pin.write()
    pin.check()


def test_quotes_around_the_old_value_are_taken_off(pin: pinned.Pin, template: Path) -> None:
    template.write_text(TEMPLATE.format(sha=f'"{STALE}"'))

    pin.write()

    assert template.read_text() == TEMPLATE.format(sha=pin.sha256)


def test_a_stale_line_is_refused_with_the_remedy(pin: pinned.Pin, template: Path) -> None:
    with pytest.raises(Refusal, match="run python -m account migrations-sha --write"):
        pin.check()


@pytest.mark.parametrize("text", ["Resources: {}\n", TEMPLATE.format(sha=STALE) * 2])
def test_a_template_without_exactly_one_such_line_is_refused(
    pin: pinned.Pin, template: Path, text: str
) -> None:
    template.write_text(text)

    with pytest.raises(Refusal, match="and must have one"):
        pin.write()
    assert template.read_text() == text


def test_the_command_checks_and_writes(
    pin: pinned.Pin, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(pinned.PINS, "migrations-sha", pin)

    assert command.main(["migrations-sha", "--check"]) == 1
    assert command.main(["migrations-sha", "--write"]) == 0
    assert command.main(["migrations-sha", "--check"]) == 0
    assert command.main(["migrations-sha"]) == 0
    assert set(capsys.readouterr().out.split()) == {pin.sha256}
