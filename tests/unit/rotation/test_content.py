"""A secret's text keeps every byte that is not ours, and its passwords fit everywhere."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from rotation.content import password, replaced, twin
from streamflix.errors import SecretMalformed

NEW = {"password": "new"}


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('{"password":"old"}', '{"password":"new"}'),
        ('{ "a" : 1.50 , "password" : "o\\"}ld" }', '{ "a" : 1.50 , "password" : "new" }'),
        ('\n{"b":{"password":"x"},"password":"o","c":[]}\n',
         '\n{"b":{"password":"x"},"password":"new","c":[]}\n'),
    ],
)  # fmt: skip
def test_only_the_value_changes(text: str, after: str) -> None:
    assert replaced(text, NEW) == after


@pytest.mark.parametrize("text", ["", "no", "[]", "{}", '{"password":"a","password":"b"}'])
def test_what_has_no_password_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(SecretMalformed):
        replaced(text, NEW)


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.lists(st.text()))))
def test_every_other_key_survives(others: dict[str, object]) -> None:
    before = others | {"password": "old"}
    for separators in ((",", ":"), (" , ", " : ")):
        text = json.dumps(before, separators=separators)
        assert json.loads(replaced(text, NEW)) == before | NEW


def test_a_thousand_passwords_fit_into_dsn_and_url() -> None:
    words = {password() for _ in range(1000)}
    assert len(words) == 1000
    for word in words:
        assert parse_dsn(f"host=h password={word}")["password"] == word
        assert urlsplit(f"postgresql://u:{word}@h/d").password == word
        assert 32 <= len(word) <= 99


def test_twins_are_each_others() -> None:
    assert twin("analytics") == "analytics_clone"
    assert twin(twin("analytics")) == "analytics"
