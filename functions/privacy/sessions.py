"""Redis: the sessions of an account, found by its index and by a sweep of its slot.

Every key about a person has the account as its hash tag, so all of them lie in one slot. Asking
every primary for that slot finds what the index forgot, a slot that is just moving included, and
costs the same however many sessions the others have; a SCAN of everything would not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any
    from uuid import UUID

    from streamflix.redis import Redis

KEYS_PER_CALL = 500
KEYS_PER_SCAN = 5_000

_PLACEHOLDERS = {"<minute>": r"\d{4}-\d\d-\d\dT\d\d:\d\dZ"}


class Sessions:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def find(self, account: UUID) -> list[bytes]:
        """Every key of the account. Raises: `RedisUnreachable`, `CredentialsRefused`."""
        return self._redis.run(lambda cluster: sorted(_find(cluster, str(account))))

    def erase(self, account: UUID) -> None:
        """Take them away. Safe to repeat. Raises: `RedisUnreachable`, `CredentialsRefused`."""
        self._redis.run(lambda cluster: _unlink(cluster, sorted(_find(cluster, str(account)))))

    def unmapped(self, patterns: Iterable[str]) -> int:
        """How many keys fit none of the map's patterns. Reads every key's name."""
        known = re.compile("|".join(_expression(each) for each in patterns).encode())
        return self._redis.run(
            lambda cluster: sum(
                known.fullmatch(key) is None
                for key in cluster.scan_iter(count=KEYS_PER_SCAN, target_nodes="primaries")
            )
        )


def _expression(pattern: str) -> str:
    """``session:{<account>}:<session>`` as a regular expression."""
    return "".join(
        _PLACEHOLDERS.get(part, "[^:{}]+") if part.startswith("<") else re.escape(part)
        for part in re.split(r"(<\w+>)", pattern)
        if part
    )


def _find(cluster: Any, account: str) -> set[bytes]:
    index = f"sessions:{{{account}}}"
    members = cluster.sscan_iter(index, count=KEYS_PER_CALL)
    listed = [b"session:{%b}:%b" % (account.encode(), member) for member in members]
    found = {
        key
        for part in _parts([index.encode(), *listed])
        for key, there in zip(part, _exist(cluster, part), strict=True)
        if there
    }
    return found | _sweep(cluster, account)


def _sweep(cluster: Any, account: str) -> set[bytes]:
    tag = b"{%b}" % account.encode()
    slot = cluster.keyslot(tag)
    found: set[bytes] = set()
    for node in cluster.get_primaries():
        count = cluster.execute_command("CLUSTER", "COUNTKEYSINSLOT", slot, target_nodes=node)
        if count:
            # As two words: redis-py would turn the keys of "CLUSTER GETKEYSINSLOT" into text.
            keys = cluster.execute_command(
                "CLUSTER", "GETKEYSINSLOT", slot, count + KEYS_PER_CALL, target_nodes=node
            )
            found.update(key for key in keys if tag in key)
    return found


def _exist(cluster: Any, keys: Iterable[bytes]) -> list[int]:
    pipeline = cluster.pipeline()
    for key in keys:
        pipeline.exists(key)
    answers: list[int] = pipeline.execute()
    return answers


def _unlink(cluster: Any, keys: list[bytes]) -> None:
    for part in _parts(keys):
        cluster.unlink(*part)  # one slot, so one command


def _parts(keys: list[bytes]) -> Iterable[list[bytes]]:
    return (keys[n : n + KEYS_PER_CALL] for n in range(0, len(keys), KEYS_PER_CALL))
