"""The pinned MiniStack has every name that the hooks lean on, and every type has a handler."""

from __future__ import annotations

import functools
import json
import subprocess
from typing import Any

from tests.contract.local.conftest import PYTHON, ROOT


@functools.cache
def contract(*arguments: str) -> tuple[int, dict[str, Any]]:
    command = [PYTHON, "-m", "local.contract", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_no_name_and_no_handler_is_missing() -> None:
    status, report = contract()

    assert report["missing_patches"] == []
    assert report["types_without_handler"] == []
    assert status == 0


def test_a_missing_name_and_a_missing_handler_are_told() -> None:
    wanted = ("ministack.app:_not_a_name", "ministack.not_a_module:name")
    status, report = contract(
        "--type", "AWS::Nowhere::Thing", "--patch", wanted[0], "--patch", wanted[1]
    )

    assert report["missing_patches"] == list(wanted)
    assert report["types_without_handler"] == ["AWS::Nowhere::Thing"]
    assert status == 1


def test_each_hook_names_its_gap_and_a_test_that_exists() -> None:
    _, report = contract()

    for hook in report["hooks"]:
        source = (ROOT / f"local/hooks/{hook['name']}.py").read_text(encoding="utf-8")
        assert hook["gap"].startswith("Gap: "), hook["name"]
        named = source.partition("Test: ")[2].partition("\n")[0]
        assert (ROOT / named).is_file(), f"{hook['name']} names {named!r}"
        assert source.count("\n") <= 200, hook["name"]
