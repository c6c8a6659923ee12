"""One variant in a process of its own: `python -m bench.analytics.sample`, its task on stdin.

The task is JSON: ``{"variant": name, "warm": [files], "batches": [files], "place": {…}}``, where a
file holds one invocation's event. Prints JSON: ``{"python": s, "postgres": s, "merge": s,
"redis": s, "envelope": s, "peak_mb": MB}``: seconds of CPU while the batches were handled, one
after another, from the parsed event to the return; `merge` is the part of PostgreSQL's that came
after the last of them, `envelope` what parsing the events by json.loads took.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bench.analytics import kpl, limits, ours, peers

if TYPE_CHECKING:
    from collections.abc import Sequence

COPIES_THE_LOG = {"archiver", "walsender", "sh", "cp", "cmp"}

VARIANTS: dict[str, Any] = {
    "ours": ours.Ours,
    "powertools": peers.Powertools,
    "naive": peers.Naive,
    "careful": peers.Careful,
    "bytewax": peers.Bytewax,
    "json": limits.Json,
    "msgspec": limits.Msgspec,
    "copy": limits.Copy,
    "kpl": kpl.Ours,
    "kpl-library": kpl.Library,
}


class Credentials:
    """Secrets Manager, as far as a login reads it."""

    def __init__(self, username: str, password: str) -> None:
        self._login = json.dumps({"username": username, "password": password})

    def get_secret_value(self, **_: str) -> dict[str, str]:
        return {"SecretString": self._login}


class Book:
    """Parameter Store, as far as the address book reads it."""

    def __init__(self, writer: str) -> None:
        self._pages = {"writer": writer, "reader": writer, "epoch": "1"}

    def get_parameters(self, *, Names: list[str]) -> dict[str, Any]:  # noqa: N803
        found = [{"Name": name, "Value": self._pages[name.rpartition("/")[2]]} for name in Names]
        return {"Parameters": found}


@dataclass(frozen=True)
class Place:
    """Servers, and who may log in to them."""

    ca: Path
    address: str
    database: str
    logins: dict[str, tuple[str, str]]
    redis_host: str
    redis_port: int
    postgres_pids: list[int]
    redis_pids: list[int]
    key: bytes = b"k" * 32

    @property
    def book(self) -> Any:
        from streamflix.addresses import AddressBook

        return AddressBook("/book", client=Book(self.address))

    def secrets(self, name: str) -> Any:
        return Credentials(*self.logins[name])

    def postgres(self) -> Any:
        import psycopg2

        host, _, port = self.address.rpartition(":")
        user, password = self.logins["analytics"]
        return psycopg2.connect(
            host=host,
            port=port,
            dbname=self.database,
            user=user,
            password=password,
            sslmode="verify-full",
            sslrootcert=str(self.ca),
        )

    def redis(self) -> Any:
        from redis.cluster import RedisCluster

        user, password = self.logins["redis"]
        return RedisCluster(
            host=self.redis_host,
            port=self.redis_port,
            username=user,
            password=password,
            ssl=True,
            ssl_ca_certs=str(self.ca),
            protocol=2,
        )


def main() -> None:
    task = json.load(sys.stdin)
    place = task["place"]
    place = Place(**{**place, "ca": Path(place["ca"])})
    sys.stdout.write(json.dumps(_measured(task, place)))


def _measured(task: dict[str, Any], place: Place) -> dict[str, float]:
    variant = VARIANTS[task["variant"]](place)
    for file in task["warm"]:
        _handled(variant, json.loads(Path(file).read_bytes()))
    spent, envelope = 0.0, 0.0
    postgres, redis = _cpu(place.postgres_pids), _cpu(place.redis_pids)
    for file in task["batches"]:
        text = Path(file).read_bytes()
        began = time.process_time()
        event = json.loads(text)
        envelope += time.process_time() - began
        spent += _handled(variant, event)
        del event
    counted = _cpu(place.postgres_pids)
    if hasattr(variant, "finish"):
        variant.finish()
    ended = _cpu(place.postgres_pids)
    if getattr(variant, "missed", 0):
        raise SystemExit("viewers were not counted")
    return {
        "python": spent,
        "postgres": ended - postgres,
        "merge": ended - counted,
        "redis": _cpu(place.redis_pids) - redis,
        "envelope": envelope,
        "peak_mb": _peak_mb(),
    }


def _handled(variant: Any, event: dict[str, Any]) -> float:
    if hasattr(variant, "prepare"):
        variant.prepare(event)
    gc.collect()
    began = time.process_time()
    variant.handle(event)
    return time.process_time() - began


def _peak_mb() -> float:
    """Of this process alone: what `getrusage` says begins with what its parent had."""
    [line] = [it for it in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in it]
    return int(line.split()[1]) / 1024


def _cpu(pids: Sequence[int]) -> float:
    """Of these processes, their children, and the children that have ended; not of those that copy
    the log elsewhere, which an account does in its storage."""
    total = 0.0
    for pid in pids:
        first = psutil.Process(pid)
        total += sum(first.cpu_times()[:4])
        for each in first.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if not COPIES_THE_LOG & set(" ".join(each.cmdline()).split()):
                    total += sum(each.cpu_times()[:2])
    return total


if __name__ == "__main__":
    main()
