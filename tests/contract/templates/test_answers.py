"""What the analytics room answers has the fields that openapi.yaml promises, and no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml

from account import openapi_sha
from analytics import live, titles
from analytics.live import Lag, Rollup, Sums

if TYPE_CHECKING:
    from tests.contract.templates import house

SPEC: house.Body = yaml.safe_load(openapi_sha.OPENAPI.read_text())
SCHEMAS = SPEC["components"]["schemas"]
NOW = datetime(2026, 11, 30, 12, 1, 30, tzinfo=UTC)


def now() -> dict[str, Any]:
    groups = {"name": Sums(1, 1, 1, 1)}
    rollup = Rollup(Sums(), groups, groups, groups, frozenset())
    counts = dict.fromkeys(live.keys(live.last_complete_minute(NOW), rollup), 1)
    return live.answer(NOW, rollup, counts, Lag(NOW, NOW, 0.0))


def test_what_runs_now_is_told_as_promised() -> None:
    told, promised = now(), SCHEMAS["LiveAnalytics"]

    assert set(told) == set(promised["required"]) == set(promised["properties"])
    assert set(told["lag"]) == set(promised["properties"]["lag"]["properties"])
    assert set(told["quality"]) == set(SCHEMAS["Quality"]["required"])
    assert set(told["minutes"][0]) == set(promised["properties"]["minutes"]["items"]["required"])
    for name, label in (("titles", "title_id"), ("countries", "country"), ("devices", "device")):
        assert set(told[name][0]) == {label, "viewers", *SCHEMAS["Quality"]["required"]}


def test_what_may_be_unknown_is_promised_as_such_and_named() -> None:
    unknown = live.answer(NOW, None, None, None)
    promised = SCHEMAS["LiveAnalytics"]["properties"]

    assert {name for name, value in unknown.items() if value is None} == {
        name for name, it in promised.items() if it.get("nullable")
    }
    assert set(unknown["degraded"]) == set(promised["degraded"]["items"]["enum"])


def test_what_ran_of_a_title_is_told_as_promised() -> None:
    since = {"from": live.instant(NOW - timedelta(days=3))}
    told = titles.answer(titles.ask("title", since, NOW, 30), {NOW: Sums()})
    promised = SCHEMAS["TitleAnalytics"]

    assert set(told) == set(promised["properties"])
    assert set(told) - {"next"} == set(promised["required"])
    assert set(told["points"][0]) == {"at", *SCHEMAS["Quality"]["required"]}


def test_a_question_has_the_parameters_that_are_promised() -> None:
    operation = SPEC["paths"]["/analytics/titles/{id}"]["get"]
    asked = {it["name"]: it for it in operation["parameters"] if it["in"] == "query"}

    assert set(asked) == titles.PARAMETERS
    assert set(asked["by"]["schema"]["enum"]) == set(titles.MEASURES)
