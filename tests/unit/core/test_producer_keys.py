"""What an event's key is, and where it leads."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from streamflix import routes
from streamflix.kpl import hash_of
from tests.unit.core.sending import event, number_of, numbers, producer
from tests.unit.core.stream import Stream

if TYPE_CHECKING:
    import pytest


def test_a_titles_events_spread_over_its_salts_and_a_session_stays_in_one() -> None:
    stream = Stream(8)
    with producer(stream, salts=4) as sending:
        for number in range(400):
            sending.put("title-1", event(number), f"session-{number % 40}")

    keys = defaultdict(set)
    for shard in stream.shards:
        for user in shard.users:
            keys[number_of(user.payload) % 40].add(user.key)
            assert shard.start <= hash_of(user.key) <= shard.end
    assert len(set.union(*keys.values())) == 4
    assert all(len(each) == 1 for each in keys.values())
    assert max(map(len, set.union(*keys.values()))) <= 8


def test_keys_are_the_same_in_every_process() -> None:
    code = (
        "from tests.unit.core.stream import Stream\n"
        "from streamflix.producer import Producer\n"
        "stream = Stream(1)\n"
        "with Producer('playback', stream) as sending:\n"
        "    for n in range(40): sending.put('title-1', b'', f'session-{n}')\n"
        "print([user.key for user in stream.shards[0].users])"
    )
    path = ["layers/core/python", "."]
    answers = {
        subprocess.run(
            [sys.executable, "-B", "-W", "ignore", "-c", code],
            env={"PYTHONPATH": ":".join(path), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(answers) == 1
    assert zlib.crc32(b"session-0") % 16 == int(answers.pop().split("'")[1].split("#")[1], 16)


def test_an_event_without_a_session_that_is_put_again_meets_its_first_copy() -> None:
    stream = Stream(8)
    with producer(stream) as sending:
        for number in [*range(50), *range(50)]:
            sending.put("title-1", event(number))

    assert len([shard for shard in stream.shards if shard.kept]) > 1
    for shard in stream.shards:
        assert set(Counter(numbers(shard)).values()) <= {2}


def test_a_title_may_have_salts_of_its_own() -> None:
    stream = Stream(8)
    with producer(stream, salts={"title-hot": 32, "title-cold": 1}.__getitem__) as sending:
        for number in range(300):
            sending.put("title-hot", event(number), str(number))
            sending.put("title-cold", b"cold", str(number))

    cold = {user.key for shard in stream.shards for user in shard.users if user.payload == b"cold"}
    every = {user.key for shard in stream.shards for user in shard.users}
    assert (len(cold), len(every)) == (1, 33)


def test_ways_of_many_titles_are_forgotten_and_found_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "KEPT", 10)
    stream = Stream(4)
    with producer(stream) as sending:
        for number in [*range(100), *range(100)]:
            sending.put(f"title-{number}", event(number), "session")

    for shard in stream.shards:
        assert set(Counter(numbers(shard)).values()) <= {2}
    assert len(stream.payloads) == 200
    assert len(sending._routes._known) <= 10
