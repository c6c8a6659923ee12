"""The template's line follows the migrations, and agrees with what the function computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from account import __main__ as command
from account import migrations_sha
from account.refusal import Refusal
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
def directory(tmp_path: Path) -> Path:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    return tmp_path


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "schema.yaml"
    path.write_text(TEMPLATE.format(sha=STALE))
    return path


def test_it_is_what_the_function_will_compute() -> None:
    assert migrations_sha.compute(migrations_sha.SQL) == migrations.digest(migrations.load())


def test_writing_changes_that_line_and_no_other(directory: Path, template: Path) -> None:
    assert migrations_sha.write(directory, template)

    sha = migrations_sha.compute(directory)
    assert template.read_text() == TEMPLATE.format(sha=sha)
    assert not migrations_sha.write(directory, template)
    migrations_sha.check(directory, template)


def test_quotes_around_the_old_value_are_taken_off(directory: Path, template: Path) -> None:
    template.write_text(TEMPLATE.format(sha=f'"{STALE}"'))

    migrations_sha.write(directory, template)

    assert template.read_text() == TEMPLATE.format(sha=migrations_sha.compute(directory))


def test_a_stale_line_is_refused_with_the_remedy(directory: Path, template: Path) -> None:
    with pytest.raises(Refusal, match="run python -m account migrations-sha --write"):
        migrations_sha.check(directory, template)


@pytest.mark.parametrize("text", ["Resources: {}\n", TEMPLATE.format(sha=STALE) * 2])
def test_a_template_without_exactly_one_such_line_is_refused(
    directory: Path, template: Path, text: str
) -> None:
    template.write_text(text)

    with pytest.raises(Refusal, match="and must have one"):
        migrations_sha.write(directory, template)
    assert template.read_text() == text


def test_the_command_checks_and_writes(
    directory: Path, template: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(migrations_sha, "SQL", directory)
    monkeypatch.setattr(migrations_sha, "TEMPLATE", template)

    assert command.main(["migrations-sha", "--check"]) == 1
    assert command.main(["migrations-sha", "--write"]) == 0
    assert command.main(["migrations-sha", "--check"]) == 0
    assert command.main(["migrations-sha"]) == 0
    assert set(capsys.readouterr().out.split()) == {migrations_sha.compute(directory)}
