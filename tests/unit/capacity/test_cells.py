"""Rows of a batch: as the sheet expects them, and as the bench's events have them."""

from __future__ import annotations

import math
import random

import pytest

from capacity.cells import WORLD, Audience, ceil_salts, producer_salts, zipf


def test_one_title_seen_by_one_kind_of_viewer_is_one_row() -> None:
    alone = Audience((1.0,), titles=1)

    assert alone.rows_by_viewer(1_000) == pytest.approx(1)
    assert alone.rows_by_viewer(0.5) == pytest.approx(1 - math.exp(-0.5), rel=0.001)


@pytest.mark.parametrize(("events", "rows"), [(5_980, 4_265), (12_500, 7_979), (10_000_000, 502e3)])
def test_rows_of_a_shard_that_sees_all_titles_are_those_of_the_sheet(
    events: float, rows: float
) -> None:
    assert WORLD.rows_by_viewer(events) == pytest.approx(rows, rel=0.03)


@pytest.mark.parametrize(
    ("events", "shards", "rows"),
    [(5_980, 1_000, 511), (12_500, 345, 1_165), (5_980, 334, 879), (12_500, 120, 2_015)],
)
def test_rows_of_a_shard_of_few_titles_are_those_of_the_sheet(
    events: float, shards: int, rows: float
) -> None:
    assert WORLD.rows_by_title(events, shards, ceil_salts) == pytest.approx(rows, rel=0.04)


def test_expected_rows_are_those_of_events_that_are_drawn() -> None:
    rng = random.Random(1)
    pairs = range(len(WORLD.pairs))
    titles = rng.choices(range(WORLD.titles), zipf(WORLD.titles), k=5_000)
    drawn = set(zip(titles, rng.choices(pairs, WORLD.pairs, k=5_000), strict=True))

    assert WORLD.rows_by_viewer(5_000) == pytest.approx(len(drawn), rel=0.02)


def test_more_salts_bring_more_titles_to_a_shard() -> None:
    few, many = (WORLD.rows_by_title(2_500, 400, it) for it in (ceil_salts, producer_salts))

    assert few < many < WORLD.rows_by_viewer(2_500)


def test_in_a_single_shard_the_key_does_not_matter() -> None:
    assert WORLD.rows_by_title(1_000, 1, lambda *_: 1_000) == pytest.approx(
        WORLD.rows_by_viewer(1_000), rel=0.01
    )
