"""The address book is read briefly, and forgotten when a connection failed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoRegionError

from streamflix.addresses import Address, AddressBook
from streamflix.errors import AddressMalformed, AddressUnknown


class ParameterStore:
    """Parameters in memory, and how often they were asked for."""

    def __init__(self) -> None:
        self.values = {"/x/aurora/writer": "w:1", "/x/aurora/reader": "r:2", "/x/aurora/epoch": "3"}
        self.reads = 0
        self.down = False

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:  # noqa: N803
        self.reads += 1
        if self.down:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "GetParameters")
        return {
            "Parameters": [{"Name": n, "Value": self.values[n]} for n in Names if n in self.values]
        }


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> ParameterStore:
    return ParameterStore()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(store: ParameterStore, clock: Clock) -> AddressBook:
    return AddressBook("/x/aurora/", client=store, ttl_seconds=30, clock=clock)


def test_one_look_reads_all_entries(book: AddressBook, store: ParameterStore) -> None:
    assert book.address("writer") == Address("w", 1)
    assert book.address("reader") == ("r", 2)
    assert book.epoch() == 3
    assert store.reads == 1


def test_an_entry_is_read_again_when_it_is_old_or_forgotten(
    book: AddressBook, store: ParameterStore, clock: Clock
) -> None:
    book.address("writer")
    store.values["/x/aurora/writer"] = "new:1"
    clock.now = 29.9
    assert book.address("writer").host == "w"
    clock.now = 30
    assert book.address("writer").host == "new"

    store.values["/x/aurora/writer"] = "newer:1"
    book.forget()
    assert book.address("writer").host == "newer"


def test_old_entries_serve_while_parameter_store_is_down(
    book: AddressBook, store: ParameterStore, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    book.address("writer")
    store.down, clock.now = True, 31

    with caplog.at_level(logging.WARNING):
        assert book.address("writer").host == "w"
    assert store.reads == 2
    assert book.epoch() == 3
    assert store.reads == 2, "a store that is down is not asked again at once"


def test_without_old_entries_it_says_so(book: AddressBook, store: ParameterStore) -> None:
    store.down = True
    with pytest.raises(AddressUnknown, match="InternalServerError"):
        book.epoch()


@pytest.mark.parametrize("name", ["writer", "epoch"])
def test_an_entry_that_is_missing_is_named_to_whoever_asks_for_it(
    book: AddressBook, store: ParameterStore, name: str
) -> None:
    del store.values[f"/x/aurora/{name}"]

    with pytest.raises(AddressUnknown, match=f"^the address book lacks {name}$"):
        book.epoch() if name == "epoch" else book.address("writer")
    assert book.address("reader").host == "r"


def test_the_writer_is_found_before_there_is_an_epoch_and_the_epoch_as_soon_as_it_is_there(
    book: AddressBook, store: ParameterStore
) -> None:
    epoch = store.values.pop("/x/aurora/epoch")
    assert book.address("writer").host == "w"
    with pytest.raises(AddressUnknown):
        book.epoch()

    store.values["/x/aurora/epoch"] = epoch

    assert book.epoch() == 3


def test_an_entry_that_is_taken_away_is_no_longer_believed(
    book: AddressBook, store: ParameterStore
) -> None:
    assert book.epoch() == 3
    del store.values["/x/aurora/epoch"]
    book.forget()

    with pytest.raises(AddressUnknown, match="epoch"):
        book.epoch()


def test_an_entry_that_was_never_there_stays_unknown_while_parameter_store_is_down(
    book: AddressBook, store: ParameterStore
) -> None:
    del store.values["/x/aurora/epoch"]
    book.address("writer")
    store.down = True

    with pytest.raises(AddressUnknown):
        book.epoch()
    assert book.address("writer").host == "w"


@pytest.mark.parametrize("text", ["host", "host:", ":5432", "host:many", "host:-1", ""])
def test_a_malformed_address_is_refused(text: str) -> None:
    with pytest.raises(AddressMalformed):
        Address.parse(text)


def test_a_malformed_epoch_is_refused(book: AddressBook, store: ParameterStore) -> None:
    store.values["/x/aurora/epoch"] = "two"
    with pytest.raises(AddressMalformed):
        book.epoch()


def test_a_store_without_a_client_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> Any:
        raise NoRegionError

    monkeypatch.setattr("streamflix.aws.client", fail)
    with pytest.raises(AddressUnknown, match="NoRegionError"):
        AddressBook("/x/aurora").epoch()
