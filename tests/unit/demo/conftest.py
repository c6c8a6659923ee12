"""One small day, played once for the whole module of tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from demo import catalogue
from demo.day import Day, Record
from demo.truth import Truth

if TYPE_CHECKING:
    from demo.catalogue import Catalogue

EVENTS = 20_000
NOW_MS = 1_763_867_000_000  # 2025-11-23 03:03:20 UTC


@dataclass(frozen=True)
class Played:
    catalogue: Catalogue
    day: Day
    records: list[Record]
    truth: Truth


@pytest.fixture(scope="session")
def people() -> Catalogue:
    return catalogue.build(titles=200, accounts=500)


@pytest.fixture(scope="session")
def played(people: Catalogue) -> Played:
    day = Day(people, seed=7, until_ms=NOW_MS, now_ms=NOW_MS, events=EVENTS)
    records = list(day)
    truth = Truth(people.profiles)
    for record in records:
        for payload in record.payloads:
            truth.absorb(payload)
    return Played(people, day, records, truth)
