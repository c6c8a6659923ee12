"""The page in a real browser: what on-call sees once its script has run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from account.door import Answer
from account.live.serve import Page, Server
from account.refusal import Refusal
from analytics import live
from analytics.live import Lag, Rollup, Sums
from tests.unit.account.asking import api

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
NOW = datetime(2026, 11, 30, 12, 1, 30, tzinfo=UTC)
LOOKS_S = 15
"""A browser that takes longer is stuck."""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine: Debian's package is called chromium"
)


def shown(answer: Answer | Exception, folder: Path) -> str:
    """The document as it stands after three seconds of the page's time, as text.

    Whatever the browser complains about fails the test: an error of the script, or something that
    the page's policy forbids.
    """
    with Server(Page(api(answer))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            browser = subprocess.run(
                [
                    str(CHROMIUM),
                    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
                    *(f"--user-data-dir={folder}", "--enable-logging=stderr", "--no-first-run"),
                    *("--virtual-time-budget=3000", "--dump-dom", server.url),
                ],
                capture_output=True,
                text=True,
                timeout=LOOKS_S,
                check=True,
            )
        finally:
            server.shutdown()
            thread.join()
    complaints = [line for line in browser.stderr.splitlines() if "CONSOLE" in line]
    assert [it for it in complaints if "Failed to load resource" not in it] == []
    body = browser.stdout.partition("<body>")[2].partition("<script>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def answer(viewers: bool = True) -> Answer:
    sums = {name: Sums(90, 3_600, 72, 4) for name in ("the-title", "DE", "tv")}
    rollup = Rollup(
        Sums(1_250, 7_200_000, 144_000_000, 4),
        {"the-title": sums["the-title"]},
        {"DE": sums["DE"]},
        {"tv": sums["tv"]},
        frozenset(),
    )
    keys = live.keys(live.last_complete_minute(NOW), rollup)
    counted = dict.fromkeys(keys, 1_234_567) if viewers else None
    told = live.answer(NOW, rollup, counted, Lag(NOW, NOW, 2.0))
    return Answer(200, json.dumps(told).encode())


def test_viewers_quality_and_lag_are_seen(tmp_path: Path) -> None:
    seen = shown(answer(), tmp_path)

    assert "1,234,567" in seen
    assert "in the minute of 12:00 UTC" in seen
    assert "Rebuffering 2.00 %" in seen
    assert "Plays begun 1,250" in seen
    assert "Hours watched 2,000" in seen
    assert "Behind the stream 2 s" in seen
    assert "11:01 UTC" in seen  # the axis of the last hour
    for name in ("the-title", "DE", "tv"):
        assert f" {name} " in seen


def test_what_is_unknown_is_said(tmp_path: Path) -> None:
    seen = shown(answer(viewers=False), tmp_path)

    assert "Viewers are unknown: Redis does not answer" in seen
    assert "Plays begun 1,250" in seen


def test_a_refusal_is_said_in_words(tmp_path: Path) -> None:
    seen = shown(Refusal("The API does not answer."), tmp_path)

    assert "The API does not answer." in seen
    assert "1,234,567" not in seen
