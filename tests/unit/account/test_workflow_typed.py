"""`make drill`, `make cutover`, `make adopt`, as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from account import __main__ as command
from tests.unit.account.restoring import BEGAN, NEW, OLD, closed, restored

if TYPE_CHECKING:
    from tests.unit.account.restoring import Machine, Screen

PASSED = {"outcome": "passed", "rto_seconds": 754.0, "rpo_seconds": 41.25}


@pytest.fixture
def typed(machine: Machine, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The commands as they are typed, by somebody who answers nothing."""
    monkeypatch.setattr(command, "_account", machine.answers.account)
    monkeypatch.setattr(command, "Terminal", lambda: screen)
    monkeypatch.setattr("account.recovery.workflow.PAUSE_SECONDS", 0)
    monkeypatch.setattr("builtins.input", closed)
    return machine


def test_the_commands_begin_what_their_words_say_and_a_drill_is_of_the_latest_time(
    typed: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFIRM", OLD)
    typed.ends = lambda run: restored(run, "drill", **PASSED)
    assert command.main(["drill", "--env", "dev", "--target", ""]) == 0
    typed.ends = lambda run: restored(run, turned_at=BEGAN, complete_at=BEGAN, **PASSED)
    assert command.main(["cutover", "--env", "dev", "--target", "latest", "--run", ""]) == 0
    assert command.main(["cutover", "--env", "dev", "--run", typed.begun[1][1]["run"]]) == 0
    monkeypatch.setenv("CONFIRM", NEW)
    assert command.main(["adopt", "--env", "dev"]) == 0

    assert [asked["mode"] for _, asked in typed.begun] == ["drill", "cutover", "cutover", "adopt"]
    assert typed.begun[0][1]["target"] == "latest"
    assert typed.begun[2][1]["run"] == typed.begun[1][1]["run"]


def test_yes_in_the_environment_begins_no_cutover(
    typed: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YES", "1")
    monkeypatch.delenv("CONFIRM", raising=False)

    assert command.main(["cutover", "--env", "dev", "--target", "latest"]) == 1
    assert typed.begun == []
    assert capsys.readouterr().err.startswith(f"Nothing was done: the answer was not {OLD}")
