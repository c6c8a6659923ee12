"""Keys of a person go, by the index and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.privacy.conftest import Somebody, Stores


def test_sessions_go_and_the_neighbours_stay(
    stores: Stores, somebody: Somebody, neighbour: Somebody
) -> None:
    before = stores.dump(neighbour.account)["redis"]
    assert len(stores.sessions().find(somebody.account)) == 4

    stores.sessions().erase(somebody.account)
    stores.sessions().erase(somebody.account)

    assert stores.dump(somebody.account)["redis"] == []
    assert stores.dump(neighbour.account)["redis"] == before


def test_keys_that_the_index_forgot_go_as_well(stores: Stores, somebody: Somebody) -> None:
    tag = f"{{{somebody.account}}}"
    stores.cluster.delete(f"sessions:{tag}")  # a session without an index
    stores.cluster.zadd(f"session:{tag}:of-another-type", {"member": 1})
    stores.cluster.set(f"session:{tag}".encode() + b":\xff\xfe", "no text, and without an end")

    stores.sessions().erase(somebody.account)

    assert stores.dump(somebody.account)["redis"] == []


def test_an_index_may_name_what_has_expired(stores: Stores, somebody: Somebody) -> None:
    stores.cluster.delete(f"session:{{{somebody.account}}}:canary-a-session-1")

    assert len(stores.sessions().find(somebody.account)) == 3


def test_more_keys_than_one_call_takes(stores: Stores, somebody: Somebody) -> None:
    tag = f"{{{somebody.account}}}"
    pipeline = stores.cluster.pipeline()
    for number in range(1200):
        pipeline.hset(f"session:{tag}:{number}", "ip", "192.0.2.7")
        pipeline.sadd(f"sessions:{tag}", str(number))
    pipeline.execute()

    assert len(stores.sessions().find(somebody.account)) == 1204
    stores.sessions().erase(somebody.account)
    assert stores.sessions().find(somebody.account) == []
