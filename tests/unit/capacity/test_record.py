"""What the recorder makes of logs and of what it saw; and that it knows its events' size."""

from __future__ import annotations

import json
from typing import Any

import pytest

from capacity import strokes
from capacity.logs import invocations, lines_of, with_firsts
from capacity.runs import Invocation, Run
from chaos.viewers import _event


def figures(events: int, duplicates: int = 0) -> str:
    told = {
        "_aws": {},
        "shard": "shardId-7",
        "EventsIngested": events,
        "EventsDuplicated": duplicates,
        "ConsumerLagMs": 9,
    }
    return json.dumps(told)


def test_an_invocation_is_its_figures_and_its_report() -> None:
    lines = [
        ("a", 1_000_000, "START RequestId: 1 Version: $LATEST"),
        ("a", 1_000_010, figures(40, duplicates=2)),
        ("b", 1_000_020, "START RequestId: 2 Version: $LATEST"),
        ("a", 1_000_050, "REPORT RequestId: 1\tDuration: 50 ms\tBilled Duration: 50 ms"),
        ("b", 1_000_060, figures(7)),
        ("b", 1_000_090, "REPORT RequestId: 2\tDuration: 61.5 ms\tBilled Duration: 62 ms"),
    ]

    assert list(invocations(lines, 990.0)) == [
        Invocation(pytest.approx(10.05), 42, 0.05, "shardId-7"),
        Invocation(pytest.approx(10.09), 7, 0.0615, "shardId-7"),
    ]


def test_an_invocation_that_failed_is_none() -> None:
    lines = [
        ("a", 1, "START RequestId: 1 Version: $LATEST"),
        ("a", 2, '{"level":"ERROR"}'),
        ("a", 3, "REPORT RequestId: 1\tDuration: 48000 ms"),
        ("a", 4, '{"_aws": broken'),
        ("a", 5, "REPORT RequestId: 2\tDuration: 5 ms"),
    ]

    assert list(invocations(lines, 0.0)) == []


class Logs:
    """Two pages, of which the second is older."""

    def get_paginator(self, name: str) -> Logs:
        assert name == "filter_log_events"
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        assert asked == {"logGroupName": "/aws/lambda/f", "startTime": 5_000}
        event = {"logStreamName": "s", "message": "m"}
        return [{"events": [event | {"timestamp": 9}]}, {"events": [event | {"timestamp": 8}]}]


def test_lines_come_in_the_order_of_their_time() -> None:
    assert list(lines_of(Logs(), "f", 5.0)) == [("s", 8, "m"), ("s", 9, "m")]


def test_each_invocation_knows_when_its_first_event_came() -> None:
    moments = {"a": [100.1, 100.2, 100.3, 100.9], "b": [100.5]}
    batches = [
        Invocation(3.0, 1, 0.1, "a"),
        Invocation(2.0, 3, 0.1, "a"),
        Invocation(2.5, 1, 0.1, "b"),
        Invocation(4.0, 1, 0.1, "a"),
    ]

    found = list(with_firsts(batches, lambda shard: moments[shard], 100.0))

    assert [(each.at, each.shard, each.first) for each in found] == [
        (2.0, "a", pytest.approx(0.1)),
        (2.5, "b", pytest.approx(0.5)),
        (3.0, "a", pytest.approx(0.9)),
    ]


def test_the_size_of_an_event_is_known() -> None:
    sizes = [len(_event("capacity-0123abcd", number)) for number in range(5)]

    assert sum(sizes) / len(sizes) == pytest.approx(strokes.EVENT_BYTES, rel=0.01)


class Counting:
    def __init__(self) -> None:
        self.put = 0

    def burst(self, events: int) -> None:
        self.put += events


def test_strokes_are_uneven_and_their_mean_is_the_rate() -> None:
    now, viewers = 0.0, Counting()
    load, waves = strokes.Load(viewers, 300, seed=1, clock=lambda: now), []
    for _ in range(1_000):
        before = load.put
        for _ in range(8):
            now += 0.25
            load.stroke()
        waves.append(load.put - before)

    assert load.put == viewers.put
    assert load.put / now == pytest.approx(300, rel=0.03)
    assert max(waves) > 2 * min(waves)


def test_waves_are_known_before_they_come() -> None:
    now, viewers = 0.0, Counting()
    load, known = strokes.Load(viewers, 1_000, seed=7, clock=lambda: now), strokes.waves(7, 20)
    for wave in known:
        before = load.put
        for _ in range(8):
            now += 0.25
            load.stroke()
        # A stroke brings what has come since the last: one of eight is of the wave before.
        assert (load.put - before) / 2_000 == pytest.approx(wave.times, abs=0.2)
    assert len(known) == 10
    assert known[-1].ends == 20


def test_the_rate_of_a_run_is_that_without_its_waves() -> None:
    waves = tuple((it.begins, it.ends, it.times) for it in strokes.waves(3, 60))
    put, puts = 0.0, []
    for at in range(0, 61, 2):
        puts.append((float(at), round(put)))
        put += sum(500 * 2 * times for begins, _, times in waves if begins == at)
    run = Run("steady", 1, 9, 1.0, 2, 60.0, (), (), tuple(puts), (), 0.25, waves)

    assert run.events_s == pytest.approx(500, rel=0.001)
