"""One shard that counts while others do: `python -m bench.analytics.writers`, its task on stdin.

The task is JSON: ``{"batches": [files], "begins": s since 1970, "place": {…}}``. Prints the seconds
of each batch's transaction as a list of JSON. All is read and decoded before it begins, and the
first batch opens the connection.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

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
    time.sleep(max(0.0, task["begins"] - time.time()))
    taken = []
    for batch, events in zip(batches[1:], decoded[1:], strict=True):
        began = time.perf_counter()
        store.apply(batch, events, refuse)
        taken.append(time.perf_counter() - began)
    sys.stdout.write(json.dumps(taken))


if __name__ == "__main__":
    main()
