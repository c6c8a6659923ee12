"""A cut of the network ends by itself, whatever the file says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from local.cuts import FILE, LONGEST_SECONDS, Cuts, cut, heal

if TYPE_CHECKING:
    from pathlib import Path


def test_an_address_is_cut_until_its_moment_and_no_longer(tmp_path: Path) -> None:
    cut(tmp_path, ["127.0.0.1:5"], 30)
    started = time.time()

    assert Cuts(tmp_path).now() == {"127.0.0.1:5"}
    assert Cuts(tmp_path, lambda: started + 31).now() == frozenset()


def test_a_cut_for_longer_than_is_safe_cuts_nobody(tmp_path: Path) -> None:
    cut(tmp_path, ["127.0.0.1:5"], LONGEST_SECONDS + 5)

    assert Cuts(tmp_path).now() == frozenset()


def test_without_a_file_and_after_it_was_healed_nobody_is_cut(tmp_path: Path) -> None:
    assert Cuts(tmp_path).now() == frozenset()

    cut(tmp_path, ["127.0.0.1:5"], 30)
    heal(tmp_path)
    heal(tmp_path)

    assert Cuts(tmp_path).now() == frozenset()


@pytest.mark.parametrize("content", ["", "[]", "nonsense", '{"a:5": "soon"}', '{"a:5": null}'])
def test_a_file_that_makes_no_sense_cuts_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).parent.mkdir()
    (tmp_path / FILE).write_text(content)

    assert Cuts(tmp_path).now() == frozenset()
