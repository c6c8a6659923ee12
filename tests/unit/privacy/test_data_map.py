"""The data map is read strictly, and is a dataset of Fides."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from fideslang.default_taxonomy import DEFAULT_TAXONOMY
from fideslang.models import Dataset

from privacy import data_map
from privacy.data_map import DataMap
from privacy.errors import BadDataMap


def raw() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(data_map.FILE.read_text())
    return content


def parse(content: dict[str, Any]) -> DataMap:
    return DataMap.parse(yaml.safe_dump(content).encode())


def test_fides_reads_it_and_knows_every_word() -> None:
    known = {
        kind: {each.fides_key for each in getattr(DEFAULT_TAXONOMY, kind)}
        for kind in ("data_category", "data_use", "data_subject")
    }
    for content in raw()["dataset"]:
        dataset = Dataset(**content)
        categories = {
            category
            for collection in dataset.collections
            for field in collection.fields
            for category in field.data_categories or []
        }
        assert categories
        assert categories <= known["data_category"]
        assert set(dataset.data_uses or []) <= known["data_use"]
        assert set(dataset.data_subjects or []) <= known["data_subject"]


def test_it_says_what_becomes_of_each_table() -> None:
    ours = data_map.ours()

    assert {table: what.action for table, what in ours.personal.items()} == {
        "app.account": "delete",
        "app.profile": "delete",
        "app.device": "delete",
        "app.watch_history": "delete",
        "app.rating": "delete",
        "app.invoice": "retain",
    }
    assert ours.root == "app.account"
    assert len(ours.sha256) == 64


def test_what_is_retained_has_its_statement() -> None:
    from privacy.database import _SQL

    for table, what in data_map.ours().personal.items():
        if what.action == "retain":
            assert what.into in _SQL[f"retain_{table.replace('.', '_')}"]


def _collection(content: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (
        each for dataset in content["dataset"] for each in dataset["collections"]
        if each["name"] == name
    )  # fmt: skip
    result: dict[str, Any] = found
    return result


def _misspell(content: dict[str, Any]) -> None:
    _collection(content, "profile")["fields"][0]["data_category"] = ["user.name"]


def _no_category(content: dict[str, Any]) -> None:
    _collection(content, "profile")["fields"][0]["data_categories"] = []


def _twice(content: dict[str, Any]) -> None:
    fields = _collection(content, "profile")["fields"]
    fields.append(copy.deepcopy(fields[0]))


def _no_erasure(content: dict[str, Any]) -> None:
    del content["dataset"][0]["meta"]["erasure"]["rating"]


def _no_basis(content: dict[str, Any]) -> None:
    del content["dataset"][0]["meta"]["erasure"]["rating"]["legal_basis"]


def _no_reason(content: dict[str, Any]) -> None:
    del content["dataset"][1]["meta"]["erasure"]["title"]["reason"]


def _kept_person(content: dict[str, Any]) -> None:
    _collection(content, "title")["fields"][0]["data_categories"] = ["user.name"]


def _kept_child(content: dict[str, Any]) -> None:
    content["dataset"][0]["meta"]["erasure"]["rating"] = {"action": "keep", "reason": "why not"}


def _no_way(content: dict[str, Any]) -> None:
    del _collection(content, "rating")["fields"][0]["fides_meta"]


def _nowhere(content: dict[str, Any]) -> None:
    meta = _collection(content, "rating")["fields"][0]["fides_meta"]
    meta["references"][0]["field"] = "profile.id"


def _two_roots(content: dict[str, Any]) -> None:
    meta = _collection(content, "profile")["fields"][0]["fides_meta"]
    meta["identity"] = "controller_customer_id"


def _anybodys_key(content: dict[str, Any]) -> None:
    content["dataset"][5]["meta"]["erasure"]["session"]["key"] = "session:<session>"


def _for_ever(content: dict[str, Any]) -> None:
    del content["dataset"][0]["meta"]["erasure"]["invoice"]["years"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_misspell, "unknown field `data_category`"),
        (_no_category, "data_categories"),
        (_twice, "streamflix_app.profile: a field stands there twice"),
        (_no_erasure, "streamflix_app.rating: a collection needs an erasure"),
        (_no_basis, "streamflix_app.rating: what is erased or retained needs a legal basis"),
        (_no_reason, "streamflix_catalog.title: what is kept needs a reason"),
        (_kept_person, "streamflix_catalog.title.title_id: user.name is about a person"),
        (_kept_child, "app.rating: references lead to app.account, and it is kept"),
        (_no_way, "app.rating: no references lead from it to app.account"),
        (_nowhere, "app.rating.profile_id references app.profile.id: unknown"),
        (_two_roots, "one field has the identity controller_customer_id, not 2"),
        (_anybodys_key, "session:<session> does not say whose it is"),
        (_for_ever, "streamflix_app.invoice: into and years belong to what is retained"),
    ],
)
def test_a_map_that_contradicts_itself_is_refused(change: Any, complaint: str) -> None:
    content = raw()
    change(content)

    with pytest.raises(BadDataMap) as refused:
        parse(content)

    assert complaint in str(refused.value)
