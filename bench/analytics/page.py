"""The page of the figures, written anew whenever one of them is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Bar = tuple[float, str, float]

FILE: Final = "analytics.json"
NAMES: Final = {
    "ours": "**the consumer**",
    "careful": "a careful engineer, standard library alone",
    "bytewax": "bytewax, tumbling minutes",
    "powertools": "Powertools BatchProcessor, pydantic",
    "naive": "json.loads and an upsert for each record",
    "json": "*base64 and json.loads, nothing else*",
    "msgspec": "*base64 and msgspec, nothing else*",
    "copy": "*the raw rows by COPY, unlogged, when they are read*",
}


def keep(results: Path, name: str, figures: Mapping[str, Any]) -> None:
    known = _known(results)
    known[name] = figures
    _write(results, known)


def judge(results: Path, name: str, bars: Mapping[str, Bar]) -> list[str]:
    """Keep the bars beside the figures; returns those that are missed."""
    known = _known(results)
    known[f"{name} bars"] = {what: [*bar, _met(bar)] for what, bar in bars.items()}
    _write(results, known)
    return [
        f"{what}: {value:.2f}, not {sign} {limit}"
        for what, (value, sign, limit) in bars.items()
        if not _met((value, sign, limit))
    ]


def _met(bar: Bar) -> bool:
    value, sign, limit = bar
    return value <= limit if sign == "<=" else value >= limit


def _known(results: Path) -> dict[str, Any]:
    path = results / FILE
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _write(results: Path, known: dict[str, Any]) -> None:
    (results / FILE).write_text(json.dumps(known, indent=1) + "\n")
    (results / "analytics.md").write_text(
        PAGE.format(
            viewer=_costs(known.get("viewer", {})) + _bars(known.get("viewer bars", {})),
            title=_costs(known.get("title", {})) + _bars(known.get("title bars", {})),
            sizes=_sizes(known.get("sizes", {})),
            kpl=_kpl(known.get("kpl", {})) + _bars(known.get("kpl bars", {})),
            writers=_writers(known.get("writers", {})) + _bars(known.get("writers bars", {})),
            init=_init(known.get("init", {})) + _bars(known.get("init bars", {})),
        )
    )


def _costs(costs: Mapping[str, Mapping[str, float]]) -> str:
    head = (
        "| who | Python | PostgreSQL | Redis | all | events/s, a core of Lambda | the envelope |\n"
        "|---|---:|---:|---:|---:|---:|---:|\n"
    )
    return head + "".join(
        f"| {NAMES[name]} | {it['python']:.2f} | {it['postgres']:.2f} | {it['redis']:.2f} "
        f"| {it['all_in']:.2f} | {1e6 / it['python']:,.0f} | {it['envelope']:.2f} |\n"
        for name in NAMES
        if (it := costs.get(name))
    )


def _bars(bars: Mapping[str, Any]) -> str:
    head = "\n| bar | measured | asked | |\n|---|---:|---:|---|\n"
    return head + "".join(
        f"| {what} | {value:,.2f} | {sign} {limit:,} | {'met' if met else 'MISSED'} |\n"
        for what, (value, sign, limit, met) in bars.items()
    )


def _sizes(speeds: Mapping[str, float]) -> str:
    head = "| events in a batch | events/s, a core of Lambda |\n|---|---:|\n"
    return head + "".join(f"| {name} | {speed:,.0f} |\n" for name, speed in speeds.items())


def _kpl(costs: Mapping[str, float]) -> str:
    names = {"kpl": "the consumer's way", "kpl-library": "aws-kinesis-agg, then the same"}
    head = "| way | µs an event | events/s |\n|---|---:|---:|\n"
    return head + "".join(
        f"| {names[name]} | {cost:.2f} | {1e6 / cost:,.0f} |\n" for name, cost in costs.items()
    )


def _writers(found: Mapping[str, Sequence[float]]) -> str:
    head = (
        "| shards at once | without a pause: the middle transaction, ms | cores at work "
        "| a batch now and then: the same, ms | cores at work |\n|---:|---:|---:|---:|---:|\n"
    )
    return head + "".join(
        f"| {count} | {at_once * 1000:.1f} | {busy:.2f} | {paced * 1000:.1f} | {calm:.2f} |\n"
        for count, (at_once, busy, paced, calm) in found.items()
    )


def _init(seconds: Mapping[str, float]) -> str:
    head = "| what begins | CPU, ms |\n|---|---:|\n"
    return head + "".join(f"| {name} | {each * 1000:.0f} |\n" for name, each in seconds.items())


PAGE: Final = """# Bench: analytics

Written by `make bench ROOM=analytics` on two shared cores. µs of CPU for an event, medians of five
rounds in which everybody has his turn, each sample a process of its own on empty tables. Python is
the handler from the parsed event to the return; parsing the event is Lambda's runtime's part and
stands beside it. PostgreSQL, a writer without readers, and Valkey are this machine's, reached over
TLS; what copies the log elsewhere is not counted. Twenty batches lie in one minute; what the
consumer has appended is added up once, and is in PostgreSQL's figure. What everybody has written
was compared row for row before a figure counted. The consumer also keeps a watermark, drops
duplicates, leaves erased people out, writes watch history and counts viewers by title, country and
device; the others do not.

## A shard that sees every title

Batches of 6,000 plain records of 384 bytes, keyed by viewer: seven rows for ten events, which is
the worst that a shard can get.

{viewer}
## A shard of few titles

The same, keyed by title with a salt: twelve events a row.

{title}
## Batches

Keyed by title.

{sizes}
![the same as a curve](analytics-batches.svg)

## Aggregates

12,000 events in records of 60, from the event to sums; nothing is written.

{kpl}
## Shards at once

Batches of 2,500 events keyed by viewer, all of one minute, from the first statement to the commit,
over PostgreSQL's own socket. Without a pause one writer and its backend keep more than half of this
machine's two cores at work, so four take twice as long even where nobody waits for anybody; two
tell whether somebody does. Now and then: a batch every 60 ms, at a moment of chance.

{writers}
## The first invocation

Imports and clients of a process, without network, bytecode as a layer ships it.

{init}"""
