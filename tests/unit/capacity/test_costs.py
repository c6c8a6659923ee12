"""What the bench has measured is read, or refused with what to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from capacity.costs import Costs, NotMeasured, fixed
from tests.unit.capacity.figures import PLAUSIBLE

if TYPE_CHECKING:
    from pathlib import Path


def test_without_figures_it_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured, match="run make bench ROOM=analytics first"):
        Costs.read(tmp_path / "analytics.json")


def test_half_of_the_figures_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "analytics.json"
    path.write_text(json.dumps({"viewer": {}, "title": {}}))

    with pytest.raises(NotMeasured, match="lack sizes, kpl, init"):
        Costs.read(path)


def test_a_figure_that_is_missing_is_refused() -> None:
    broken = PLAUSIBLE | {"viewer": {"ours": {"python": 1.0}}}

    with pytest.raises(NotMeasured, match="postgres"):
        Costs.of(broken)


def test_a_file_that_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "analytics.json"
    path.write_text("{")

    with pytest.raises(NotMeasured, match="no JSON"):
        Costs.read(path)


def test_figures_are_read_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "analytics.json"
    path.write_text(json.dumps(PLAUSIBLE | {"viewer bars": {}}))

    costs = Costs.read(path)

    assert costs.viewer["ours"].python == 6.5
    assert costs.packed_us == pytest.approx(1e6 / 260_000)
    assert costs.init_s == 0.5


def test_what_an_invocation_costs_comes_out_of_batches_of_three_sizes() -> None:
    speeds = {f"{size:,}": 1e6 / (4.2 + 660 / size) for size in (100, 1_000, 6_000)}

    assert fixed(speeds | {"12,000 in aggregates": 1.0}) == pytest.approx(660)


def test_one_size_tells_nothing_about_what_is_fixed() -> None:
    assert fixed({"6,000": 200_000}) == 0


def test_larger_batches_that_are_slower_make_nothing_negative() -> None:
    assert fixed({"100": 200_000, "6,000": 100_000}) == 0
