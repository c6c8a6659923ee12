"""Clients that log in all the time while a credential changes hands, and count refusals.

A bare client knows nothing of rotations: it reads the secret, keeps it for its time to live, and a
refused login is a failure. Ours is `streamflix.secrets`, which reads again and climbs the ladder.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg2
import redis

from streamflix.errors import CredentialsRefused
from streamflix.secrets import Login, Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.rotation.conftest import Rig

CLIENTS = 6
PAUSE_SECONDS = 0.03


@dataclass
class Count:
    """What all clients saw together."""

    attempts: int = 0
    failed: int = 0
    first: float = 0.0
    last: float = 0.0
    broken: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def window_seconds(self) -> float:
        return self.last - self.first if self.failed else 0.0

    def add(self, began: float, *, refused: bool) -> None:
        with self.lock:
            self.attempts += 1
            if refused:
                self.failed += 1
                self.first = self.first or began
                self.last = time.monotonic()


def watch(
    rig: Rig, login: str, ttl_seconds: float, act: Callable[[], object], *, ours: bool
) -> Count:
    """Run `act` while the clients hammer; they run a while before and, a cache's life, after it."""
    count, done = Count(), threading.Event()
    threads = [
        threading.Thread(target=_hammer, args=(rig, login, ttl_seconds, ours, n, count, done))
        for n in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        done.wait(min(ttl_seconds, 1) + 0.5)
        act()
        done.wait(ttl_seconds + 0.5)
    finally:
        done.set()
        for thread in threads:
            thread.join(30)
    assert count.broken == []
    return count


def _hammer(
    rig: Rig, login: str, ttl: float, ours: bool, number: int, count: Count, done: threading.Event
) -> None:
    secret = Secret(rig.env.secret_arns[login], ttl_seconds=ttl)
    attempt = _redis(rig) if login.startswith("redis/") else _postgres(rig)
    done.wait(ttl * number / CLIENTS)  # caches expire one after the other
    try:
        while not done.wait(PAUSE_SECONDS):
            began = time.monotonic()
            try:
                secret.log_in(attempt) if ours else attempt(secret.current())
            except CredentialsRefused:
                count.add(began, refused=True)
            else:
                count.add(began, refused=False)
    except Exception as error:  # noqa: BLE001  a client that stops counting voids the run
        count.broken.append(f"{type(error).__name__}: {error}")


def _postgres(rig: Rig) -> Callable[[Login], None]:
    def attempt(login: Login) -> None:
        try:
            rig.connect(login.username, login.password).close()
        except psycopg2.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            raise CredentialsRefused(login.username) from None

    return attempt


def _redis(rig: Rig) -> Callable[[Login], None]:
    def attempt(login: Login) -> None:
        client = rig.laptop.redis(login.password)
        try:
            client.ping()
        except redis.exceptions.AuthenticationError:
            raise CredentialsRefused(login.username) from None
        finally:
            client.close()

    return attempt
