"""One shard that counts while others do: `python -m bench.analytics.writers`, its task on stdin.

The task is JSON: ``{"batches": [files], "begins": s since 1970, "every": s, "place": {…}}``. A
batch is written at a moment of chance in each span of `every` seconds, or right after the one
before when that is 0. Prints ``{"seconds": [of each batch's transaction], "cores": at work
meanwhile, on the whole machine}``. All is read and decoded before it begins, and the first batch
opens the connection.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path

import psutil

from bench.analytics.ours import Ours
from bench.analytics.sample import Place


def main() -> None:
    from analytics.decode import decode
    from analytics.envelope import Batch

    task = json.load(sys.stdin)
    store = Ours(Place(**{**task["place"], "ca": Path(task["place"]["ca"])})).store
    batches = [Batch.from_event(json.loads(Path(file).read_bytes())) for file in task["batches"]]
    decoded = [decode(batch.records) for batch in batches]

    def refuse(shard: object, pointers: object) -> None:
        raise AssertionError(f"{shard}: {pointers}")

    store.apply(batches[0], decoded[0], refuse)
    chance, every = random.Random(task["batches"][0]), task["every"]
    _sleep_until(task["begins"])
    busy, since = _busy(), time.perf_counter()
    taken = []
    for number, (batch, events) in enumerate(zip(batches[1:], decoded[1:], strict=True)):
        _sleep_until(task["begins"] + (number + chance.random()) * every)
        began = time.perf_counter()
        store.apply(batch, events, refuse)
        taken.append(time.perf_counter() - began)
    cores = (_busy() - busy) / (time.perf_counter() - since)
    sys.stdout.write(json.dumps({"seconds": taken, "cores": cores}))


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _busy() -> float:
    """Seconds of CPU that this machine has spent."""
    spent = psutil.cpu_times()
    return float(spent.user + spent.system + spent.irq + spent.softirq)


if __name__ == "__main__":
    main()
