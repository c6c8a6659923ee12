"""An application's clients: one writes, one reads, one uses the cache, all of them all the time."""

from __future__ import annotations

import math
import time
import uuid
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

import psycopg2
from redis.exceptions import RedisClusterException, RedisError

from chaos.attempts import Attempt, Outage, outage
from chaos.background import Background
from chaos.session import ANSWER_S, Session

if TYPE_CHECKING:
    from demo.platform import Platform

PAUSE_S: Final = 0.05
CACHED_S: Final = 60
REFUSALS: Final = (psycopg2.Error, RedisError, RedisClusterException, TimeoutError, OSError)

# The catalogue: the one table whose rows the application may take back, and nobody's data.
WRITE: Final = """
INSERT INTO catalog.title (title_id, kind, name, genre, duration_s)
VALUES (%s, 'film', 'written on a game day', 'chaos', 1)
RETURNING current_setting('cluster_name')
"""
FIND: Final = "SELECT title_id FROM catalog.title WHERE title_id LIKE %s"
FORGET: Final = "DELETE FROM catalog.title WHERE title_id LIKE 'chaos-%'"
READ: Final = "SELECT current_setting('cluster_name'), count(*) FROM catalog.title"


class Client(ABC):
    """Tries the same thing over and over, and remembers each attempt."""

    name = ""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.background = Background(self.name, PAUSE_S, self._attempt)

    def outage(self, since: float, until: float = math.inf) -> Outage:
        return outage(list(self.attempts), since, until)

    def close(self) -> None:  # noqa: B027  not everybody leaves something behind
        """Take back what it left. Only when it has stopped."""

    def _attempt(self) -> None:
        began, error = time.time(), ""
        try:
            self._try(len(self.attempts))
        except REFUSALS as refusal:
            error = type(refusal).__name__
        self.attempts.append(Attempt(began, time.time(), error))

    @abstractmethod
    def _try(self, number: int) -> None:
        """Once. Raises one of `REFUSALS` when it did not work."""


class Writer(Client):
    """Commits numbered rows as the application; which of them were acknowledged, it knows."""

    name = "writes"

    def __init__(self, platform: Platform, run: str) -> None:
        super().__init__()
        self._session = Session(platform, "app")
        self._run_name = run
        self.acknowledged: dict[str, float] = {}
        """When the answer was there."""
        self.server = ""
        """The process that took the last row."""

    def missing(self) -> list[float]:
        """When each acknowledged row was that is not there. Only when it has stopped."""
        found = {row[0] for row in self._session.run(FIND, (f"{self._run_name}-%",), within=30)}
        return [at for row, at in self.acknowledged.items() if row not in found]

    def close(self) -> None:
        """Take back what this and any earlier game day wrote."""
        self._session.run(FORGET, within=30)
        self._session.close()

    def _try(self, number: int) -> None:
        row = f"{self._run_name}-{number}"
        [(self.server,)] = self._session.run(WRITE, (row,))
        self.acknowledged[row] = time.time()


class Reader(Client):
    """Reads as the application through the reader endpoint."""

    name = "reads"

    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self._session = Session(platform, "app", "reader")
        self.server = ""
        """The process that answered last."""

    def close(self) -> None:
        self._session.close()

    def _try(self, number: int) -> None:  # noqa: ARG002
        [(self.server, _)] = self._session.run(READ)


class Cache(Client):
    """Keeps a session of nobody's on each shard; a client library's own retries are part of it."""

    name = "cache"

    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self._redis: Any = platform.redis(ANSWER_S)
        self._keys = _one_on_each_shard(self._redis)

    def close(self) -> None:
        self._redis.close()

    def _try(self, number: int) -> None:
        for key in self._keys:
            self._redis.hset(key, "number", str(number))
            self._redis.expire(key, CACHED_S)
            if self._redis.hget(key, "number") != str(number).encode():
                raise RedisError("the cache forgot within the same breath")


def _one_on_each_shard(redis: Any) -> list[str]:
    found: dict[str, str] = {}
    shards = {node.name for node in redis.get_primaries()}
    while found.keys() != shards:
        key = f"session:{{{uuid.uuid4()}}}:{uuid.uuid4()}"
        found.setdefault(redis.get_node_from_key(key).name, key)
    return sorted(found.values())
