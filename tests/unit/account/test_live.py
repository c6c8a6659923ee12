"""On-call's page: what it may ask, what it is, and that it reads what the API tells."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import NoCredentialsError

from account.door import Answer
from account.live.serve import PAGE, Page, content_policy
from account.refusal import Refusal
from analytics import live, titles
from analytics.live import Lag, Rollup, Sums
from tests.unit.account.asking import api

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = datetime(2026, 11, 30, 12, 1, 30, tzinfo=UTC)
HTML = PAGE.read_text()
SCRIPT = HTML.partition("<script>")[2].partition("</script>")[0]


@pytest.mark.parametrize(
    ("asked", "passed_on"),
    [
        (("live", ""), "/analytics/live"),
        (("live", "by=hour"), "/analytics/live"),
        (("titles/title-1", ""), "/analytics/titles/title-1"),
        (
            ("titles/title-1", "by=hour&from=2026-11-30T12:00:00%2B01:00&more=x"),
            "/analytics/titles/title-1?by=hour&from=2026-11-30T12%3A00%3A00%2B01%3A00",
        ),
    ],
)
def test_a_question_of_the_page_is_passed_on_without_what_nobody_knows(
    asked: tuple[str, str], passed_on: str
) -> None:
    door = api(Answer(403, b'{"error":"ACCESS_DENIED"}'))

    assert Page(door).ask(*asked) == (403, b'{"error":"ACCESS_DENIED"}')
    assert door.heard == [("GET", passed_on)]


@pytest.mark.parametrize(
    "path", ["", "v2/requests", "live/", "titles/", "titles/a/b", "titles/..", "titles/a%2Fb"]
)
def test_nothing_else_is_passed_on(path: str) -> None:
    door = api()

    assert Page(door).ask(path, "") is None
    assert door.heard == []


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Refusal("The API does not answer."), "UNREACHABLE"),
        (NoCredentialsError(), "NO_CREDENTIALS"),
    ],
)
def test_an_api_that_cannot_be_asked_is_told_to_the_page(trouble: Exception, error: str) -> None:
    answer = Page(api(trouble)).ask("live", "")

    assert answer is not None
    assert answer[0] == 502
    assert json.loads(answer[1])["error"] == error


def test_the_word_in_the_address_is_another_one_each_time() -> None:
    words = {Page(api()).word for _ in range(20)}

    assert len(words) == 20
    assert min(map(len, words)) >= 22  # 128 bits


def test_the_policy_lets_the_pages_own_script_and_style_run_and_nothing_else() -> None:
    policy = content_policy(HTML)
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()

    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2


def test_the_page_brings_everything_itself_and_runs_nothing_that_it_is_told() -> None:
    addresses = set(re.findall(r"""["'(]((?:https?:)?//[^"')]*)""", HTML))

    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert re.findall(r"<(?:link|img|iframe|object|embed|base)\b|@import|url\(", HTML) == []
    assert re.findall(r"<[^>]*\s(?:on\w+|style|src)=", HTML) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b", SCRIPT) == []


def read(of: Iterable[str]) -> set[str]:
    """Fields that the script reads of variables with these names."""
    names = "|".join(of)
    return set(re.findall(rf"\b(?:{names})\??\.(\w+)", SCRIPT))


def test_the_page_reads_fields_that_the_api_tells() -> None:
    sums = {"name": Sums(1, 1, 1, 1)}
    rollup = Rollup(Sums(), sums, sums, sums, frozenset())
    viewers = dict.fromkeys(live.keys(live.last_complete_minute(NOW), rollup), 1)
    told = live.answer(NOW, rollup, viewers, Lag(NOW, NOW, 0.0))
    groups = {key for name in ("titles", "countries", "devices") for key in told[name][0]}
    title = titles.answer(titles.ask("t", {}, NOW, 30), {NOW: Sums()})

    assert read(["live"]) == set(told)
    assert read(["lag"]) == set(told["lag"])
    assert read(["quality"]) < set(told["quality"])
    points = {*told["minutes"][0], *title["points"][0]}
    assert read(["it"]) - {"join"} <= groups | points
    assert set(re.findall(r'ranking\("\w+", live\.\w+, "(\w+)"', SCRIPT)) < groups
    told_of = SCRIPT.partition("function showTitle(told)")[2].partition("\nfunction")[0]
    assert set(re.findall(r"\btold\.(\w+)", told_of)) <= set(title)
