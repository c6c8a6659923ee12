"""Eight bytes that stand for an id, of a batch at once; and what is no id."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import fingerprint

SOME = "12345678-9abc-4def-8123-456789abcdef"


def of(ids: list[UUID]) -> list[bytes]:
    found = fingerprint.of([str(each) for each in ids])
    return [found[at : at + fingerprint.BYTES] for at in range(0, len(found), fingerprint.BYTES)]


@given(st.lists(st.uuids(), unique=True, min_size=1, max_size=50))
def test_ids_that_differ_have_fingerprints_that_differ(ids: list[UUID]) -> None:
    marks = of(ids)

    assert len(set(marks)) == len(marks) == len(ids)


@given(st.lists(st.uuids(), max_size=20), st.uuids())
def test_one_is_the_same_in_any_company(company: list[UUID], one: UUID) -> None:
    assert of([*company, one])[-1] == of([one])[0]


def test_it_is_known_for_good() -> None:
    """It is kept with the watermark, and two processes count one viewer."""
    assert fingerprint.of([SOME]).hex() == "fdf9fdf1fdf96e6e"


def test_an_id_of_two_equal_halves_is_like_no_other() -> None:
    halves = ["0f1e2d3c4b5a6977", "8899aabbccddee00", "0" * 15 + "1"]

    assert len(set(of([UUID(half * 2) for half in halves]))) == 3


def test_capital_letters_name_the_same() -> None:
    assert fingerprint.of([SOME.upper()]) == fingerprint.of([SOME])


def test_ids_made_from_a_clock_spread() -> None:
    base = 0x018F_0000_0000_7000_8000_0000_0000_0000
    ids = [UUID(int=base + (step << 80)) for step in range(5000)]
    ids += [UUID(int=base + step) for step in range(1, 5000)]

    assert len(set(of(ids))) == len(ids)


def test_of_nobody_there_is_none() -> None:
    assert fingerprint.of([]) == b""
    fingerprint.check([])


@pytest.mark.parametrize(
    "text",
    [
        "",
        SOME[:-1],
        SOME + "0",
        SOME.replace("-", ""),
        SOME.replace("-", "_"),
        SOME[:-1] + "g",
        SOME[:-2] + " a",
        SOME[:-2] + "  ",
        SOME[:-1] + "-",
        "1234567-89abc-4def-8123-456789abcdef",
        "{2345678-9abc-4def-8123-456789abcde}",
        SOME[:-1] + "\u0661",
        SOME[:-1] + "\uff11",
        SOME[:-2] + "\r\n",
    ],
)
@pytest.mark.parametrize("company", [[], [SOME], [SOME, SOME]])
def test_what_is_no_id_is_found_in_any_company(text: str, company: list[str]) -> None:
    for ids in ([text, *company], [*company, text]):
        with pytest.raises(fingerprint.NotAnId):
            fingerprint.check(ids)
        with pytest.raises(fingerprint.NotAnId):
            fingerprint.of(ids)


def test_two_that_are_wrong_do_not_make_up_for_each_other() -> None:
    for one, other in ((SOME[:-1], SOME + "0"), (SOME[:-1] + "-", SOME[:-1] + "0")):
        with pytest.raises(fingerprint.NotAnId):
            fingerprint.check([one, other])


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_it_lets_nothing_pass_that_is_no_uuid(ids: list[str]) -> None:
    try:
        fingerprint.check(ids)
    except fingerprint.NotAnId:
        return
    assert all(str(UUID(each)) == each.lower() for each in ids)
