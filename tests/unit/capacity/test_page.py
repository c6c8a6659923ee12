"""The page says what the command computes, and every sheet is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import yaml

from capacity import page
from capacity.__main__ import BENCH, REFUSED, ROOT, main
from capacity.costs import Costs
from capacity.prices import PRICES
from capacity.workload import Workload
from tests.unit.capacity.figures import PLAUSIBLE

if TYPE_CHECKING:
    from pathlib import Path

    from capacity.sheets import Sheet

COSTS = Costs.of(PLAUSIBLE)


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return page.files(COSTS)


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    path = tmp_path / "analytics.json"
    path.write_text(json.dumps(PLAUSIBLE))
    return path


@pytest.mark.parametrize("heartbeat_s", [None, 10.0])
def test_every_row_has_its_cells(heartbeat_s: float | None) -> None:
    for sheet in page.all_sheets(COSTS, 10_000_000, heartbeat_s):
        assert {len(row) for row in sheet.rows} == {len(sheet.columns)}, sheet.title


@pytest.mark.parametrize("viewers", [1, 1_000, 1e9])
def test_any_number_of_viewers_is_an_answer(viewers: float) -> None:
    for sheet in page.all_sheets(COSTS, viewers, 10):
        assert not any(cell in ("nan", "inf") for row in sheet.rows for cell in row), sheet.title


def test_each_need_says_what_it_rests_on() -> None:
    need: Sheet = page.all_sheets(COSTS, 10_000_000, 10)[0]

    assert need.columns[-1] == "rests on"
    assert all(row[-1] for row in need.rows)


@pytest.mark.parametrize("picture", ["capacity/growth.svg", "capacity/lag.svg"])
def test_pictures_are_well_formed_and_within_their_frame(
    picture: str, files: dict[str, str]
) -> None:
    drawn = ET.fromstring(files[picture])
    _, _, width, height = map(float, drawn.attrib["viewBox"].split())
    lines = drawn.findall("{*}polyline")

    assert len(lines) == 4
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


def test_the_growth_of_each_curve_goes_up() -> None:
    drawn = ET.fromstring(page.growth(COSTS, 10))
    for line in drawn.findall("{*}polyline"):
        heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
        assert heights == sorted(heights, reverse=True)


def test_the_checked_in_page_is_what_the_command_makes() -> None:
    for name, text in page.files(Costs.read(BENCH)).items():
        path = ROOT / "docs" / name
        assert path.exists(), f"docs/{name} is missing: make capacity WRITE=1"
        assert path.read_text() == text, f"docs/{name} is old: make capacity WRITE=1"


def test_prices_are_those_of_the_register() -> None:
    known = yaml.safe_load((ROOT / "registers" / "costs.yaml").read_text())["prices"]
    shared = PRICES.keys() & known.keys()

    assert len(shared) >= 9
    assert {name: PRICES[name].likely for name in shared} == {name: known[name] for name in shared}
    both_ways = PRICES["on_demand_in_gb"].likely + PRICES["on_demand_out_gb"].likely
    assert both_ways == pytest.approx(known["on_demand_gb"])


@pytest.mark.parametrize("name", PRICES)
def test_bounds_of_prices_surround_them(name: str) -> None:
    price = PRICES[name].range

    assert 0 < price.low <= price.likely < price.high


def test_the_command_shows_every_sheet(bench: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--viewers", "10_000_000", "--heartbeat", "10", "--bench", str(bench)]) == 0

    shown = capsys.readouterr().out
    for sheet in page.all_sheets(COSTS, 10_000_000, 10):
        assert sheet.title in shown


def test_without_figures_the_command_says_how_to_get_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--bench", str(tmp_path / "none.json")]) == REFUSED
    assert "run make bench ROOM=analytics first" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [["--viewers", "0"], ["--heartbeat", "ten"], ["--write", "--viewers", "5"]]
)
def test_what_makes_no_sense_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(wrong)


def test_the_page_and_its_pictures_are_written(tmp_path: Path) -> None:
    written = page.write(COSTS, tmp_path)

    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "capacity.md", "capacity/growth.svg", "capacity/lag.svg",
    ]  # fmt: skip
    text = written[0].read_text()
    assert "10,000,000" in text
    assert all(path.name in text for path in written[1:])


def test_a_longer_heartbeat_needs_less_of_everything() -> None:
    often, rarely = (page.consumer(COSTS, Workload(1e7, each)) for each in (10, 60))

    assert often.stream.built > rarely.stream.built
    assert often.lambda_cores > 5 * rarely.lambda_cores
