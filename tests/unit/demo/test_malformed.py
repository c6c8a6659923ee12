"""Each kind is wrong in the way its name says, and in no other."""

from __future__ import annotations

import json
from random import Random

import pytest

from demo import malformed

NOW_MS = 1_763_867_000_000
FINE = (
    b'{"event_id":"0b2c7a9e-1111-4222-8333-444455556666","type":"heartbeat",'
    b'"account_id":"6d9c4d0e-1111-4222-8333-444455556666",'
    b'"profile_id":"7d9c4d0e-1111-4222-8333-444455556666",'
    b'"session_id":"8d9c4d0e-1111-4222-8333-444455556666","title_id":"title-00007",'
    b'"device":"tv","country":"DE","position_s":30,"watched_s":30,"bitrate_kbps":4500,'
    b'"rebuffer_ms":0,"ts":"2025-11-23T03:03:20.123Z"}'
)


def spoiled(kind: str, seed: int = 0) -> bytes:
    return malformed.user_record(kind, FINE, Random(seed), NOW_MS, "new-id")


@pytest.mark.parametrize("kind", malformed.EVENT_KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_one_place_is_spoiled_and_no_more(kind: str, seed: int) -> None:
    data = spoiled(kind, seed)
    try:
        found = json.loads(data.decode())
    except ValueError:
        assert kind in {"truncated", "bad UTF-8"}
        return
    fine = json.loads(FINE) | {"event_id": found.get("event_id", "")}

    differing = {field for field in fine if found.get(field) != fine[field]}

    assert kind not in {"truncated", "bad UTF-8"}
    assert len(differing) == 1 or (kind == "missing field" and "event_id" not in found)


def test_the_interesting_kinds_pass_a_lenient_decoder() -> None:
    for kind in ("NUL", "overflow", "three-letter country", "year 0"):
        json.loads(spoiled(kind))


def test_bytes_that_are_no_utf8_stay_where_a_string_was() -> None:
    with pytest.raises(UnicodeDecodeError):
        spoiled("bad UTF-8").decode()


@pytest.mark.parametrize(("kind", "hours"), [("older than a day", -25), ("from the future", 2)])
def test_instants_outside_the_window_are_well_outside(kind: str, hours: int) -> None:
    from datetime import datetime

    for seed in range(20):
        ts = datetime.fromisoformat(json.loads(spoiled(kind, seed))["ts"]).timestamp()
        off = ts - NOW_MS / 1_000
        assert off <= hours * 3_600 if hours < 0 else off >= hours * 3_600
