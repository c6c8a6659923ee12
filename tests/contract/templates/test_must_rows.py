"""docs/must-rows.md tells the truth: what is present is there, what is refused is argued."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

import pytest

from tests.contract.templates import deployed, house

PAGE = house.ROOT / "docs/must-rows.md"
STATES = re.compile(r"present|refused|later|room recovery")
EUROPEAN_UNION = ("eu-west-1", "eu-west-3", "eu-north-1", "eu-south-1", "eu-south-2")


class Row(NamedTuple):
    chapter: str
    promise: str
    state: str
    where: str
    checked_by: str


def rows() -> list[Row]:
    found, chapter = [], ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            chapter = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "promise":
            assert len(cells) == 4, line
            found.append(Row(chapter, *cells))
    return found


ROWS = rows()


def of(state: str) -> list[Row]:
    return [row for row in ROWS if row.state == state]


def test_every_promise_has_a_state_and_stands_once() -> None:
    assert [row for row in ROWS if not STATES.fullmatch(row.state)] == []
    promises = [row.promise for row in ROWS]
    assert sorted(promises) == sorted(set(promises))
    assert len(ROWS) > 80


def exists(where: str) -> bool:
    if where.startswith("Root.Rules."):
        return where.removeprefix("Root.Rules.") in house.root().body["Rules"]
    if "/" in where or where.endswith(".yaml"):
        return (house.ROOT / where).exists()
    tree = deployed.platform("prod")
    return where in {str(it) for it in tree.resources()}


@pytest.mark.parametrize("row", of("present"), ids=lambda row: row.promise)
def test_what_is_called_present_stands_where_the_row_says_and_is_checked(row: Row) -> None:
    named = row.where.split(", ")

    assert named
    assert [where for where in named if not exists(where)] == []
    assert row.checked_by, "no test would notice its loss"


@pytest.mark.parametrize("row", of("refused"), ids=lambda row: row.promise)
def test_what_is_refused_has_a_decision_that_says_why(row: Row) -> None:
    decision = (house.ROOT / row.where).read_text()

    assert row.where.startswith("docs/decisions/")
    assert re.match(r"# \d{4} ", decision)
    assert "**Why**" in decision


def test_every_decision_has_a_number_of_its_own() -> None:
    pages = sorted((house.ROOT / "docs/decisions").iterdir())
    numbers = [page.name[:4] for page in pages]

    assert numbers == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert page.read_text().startswith(f"# {page.name[:4]} "), page.name


def test_a_room_that_has_come_has_brought_its_rows() -> None:
    rooms = {path.name for path in (house.ROOT / "functions").iterdir() if path.is_dir()}

    assert [row for row in ROWS if row.state.removeprefix("room ") in rooms] == []


def test_a_room_that_will_come_says_what_it_brings() -> None:
    for row in ROWS:
        if row.state.startswith("room "):
            assert row.where, row
            assert not row.checked_by, f"{row}: it is not there yet"


def facts_in(module: str) -> set[str]:
    path = house.ROOT / f"tests/contract/templates/{module}.py"
    body = ast.parse(path.read_text()).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_a_row_names_exists() -> None:
    named = {row.checked_by for row in ROWS if row.checked_by}
    dead = [it for it in named if it.partition("::")[2] not in facts_in(it.partition("::")[0])]

    assert sorted(dead) == []


def test_copies_stay_in_the_european_union() -> None:
    pattern = re.compile(house.root().parameters["BackupCopyVaultArn"]["AllowedPattern"])

    def accepts(region: str) -> bool:
        arn = f"arn:aws:backup:{region}:{deployed.ACCOUNT}:backup-vault:copies"
        return bool(pattern.fullmatch(arn))

    assert pattern.fullmatch("")
    assert any(accepts(region) for region in EUROPEAN_UNION)
    for region in ("us-east-1", "eu-west-2", "eu-central-2", "ap-south-1", "eu-central-1"):
        assert not accepts(region), region
