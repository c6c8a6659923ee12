"""Gap: resharding throws records away, and CloudFormation drops encryption and new shard counts.

Stock, split, merge and a new shard count drop the old shards with what nobody has read, sequence
numbers are short and follow the clock back, and every call copies all records to expire none. Here
closed shards stay until their records expire.

Test: tests/contract/local/test_kinesis_stream.py
"""

from __future__ import annotations

import bisect
import functools
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.services import kinesis
from ministack.services.cloudformation import provisioners

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud
    from local.resource_types import Created, Properties

KIND = "AWS::Kinesis::Stream"
PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.kinesis:_build_shards",
    "ministack.services.kinesis:_expire_records",
    "ministack.services.kinesis:_max_shard_index",
    "ministack.services.kinesis:_merge_shards",
    "ministack.services.kinesis:_next_sequence_number",
    "ministack.services.kinesis:_resolve_stream",
    "ministack.services.kinesis:_route_to_shard",
    "ministack.services.kinesis:_shard_out",
    "ministack.services.kinesis:_split_shard",
    "ministack.services.kinesis:_streams",
    "ministack.services.kinesis:_update_shard_count",
    "ministack.services.kinesis:error_response_json",
    "ministack.services.kinesis:json_response",
)
TYPES: tuple[str, ...] = (KIND,)

CLOSED = "ending_sequence_number"

Stream = dict[str, Any]


def install(cloud: Cloud) -> None:  # noqa: ARG001
    kinesis._next_sequence_number = SequenceNumbers().next
    kinesis._expire_records = expire
    kinesis._split_shard = _keeping_the_closed(kinesis._split_shard)
    kinesis._merge_shards = _keeping_the_closed(kinesis._merge_shards)
    kinesis._update_shard_count = update_shard_count
    kinesis._route_to_shard = route
    kinesis._shard_out = _with_its_end(kinesis._shard_out)
    stock = provisioners._RESOURCE_HANDLERS[KIND]

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        made: Created = stock["create"](logical_id, properties, stack)
        _encrypt(kinesis._streams[made[0]], properties)
        return made

    def update(name: str, old: Properties, new: Properties, stack: str) -> Created:
        made: Created = stock["update"](name, old, new, stack)
        stream = kinesis._streams[made[0]]
        _encrypt(stream, new)
        target = int(new.get("ShardCount") or 0)
        if target and target != len(_open(stream)):
            reshard(stream, target)
        return made

    provisioners._RESOURCE_HANDLERS[KIND] = stock | {"create": create, "update": update}


class SequenceNumbers:
    """Numbers as long as AWS's, 56 digits, that only grow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counter = itertools.count()
        self._latest = 0

    def next(self) -> str:
        with self._lock:
            self._latest = max(self._latest, int(time.time() * 1000))
            return f"49{self._latest:013d}{next(self._counter):041d}"


def expire(stream: Stream) -> None:
    """Drop what is older than the retention period, and closed shards that are empty by then."""
    oldest = time.time() - stream["RetentionPeriodHours"] * 3600
    for identity, shard in list(stream["shards"].items()):
        records = shard["records"]
        if records and _arrived(records[0]) < oldest:
            # A new list: a reader may be in the middle of the old one.
            shard["records"] = records[bisect.bisect_left(records, oldest, key=_arrived) :]
        if shard.get("closed_at", oldest) < oldest and not shard["records"]:
            del stream["shards"][identity]


def _arrived(record: dict[str, Any]) -> float:
    return float(record["ApproximateArrivalTimestamp"])


def route(hash_key: int, stream: Stream) -> str:
    """The open shard for this hash key."""
    return next(
        identity
        for identity, shard in _open(stream).items()
        if int(shard["starting_hash_key"]) <= hash_key <= int(shard["ending_hash_key"])
    )


def _close(shard: dict[str, Any]) -> None:
    shard[CLOSED] = kinesis._next_sequence_number()
    shard["closed_at"] = time.time()


def _keeping_the_closed(reshard: Callable[..., Any]) -> Callable[..., Any]:
    """Put the parents back that a split or a merge has deleted."""

    @functools.wraps(reshard)
    def resharding(data: dict[str, Any]) -> Any:
        _, stream = kinesis._resolve_stream(data)
        before = dict(stream["shards"]) if stream else {}
        answer = reshard(data)
        for identity in before.keys() - (stream or {"shards": before})["shards"].keys():
            _close(before[identity])
            stream["shards"][identity] = before[identity]
        return answer

    return resharding


def update_shard_count(data: dict[str, Any]) -> Any:
    """UpdateShardCount: new shards of equal size, the old ones closed."""
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return kinesis.error_response_json(
            "ResourceNotFoundException", f"Stream {name} not found", 400
        )
    before, target = _open(stream), int(data["TargetShardCount"])
    if not len(before) / 2 <= target <= len(before) * 2:
        return kinesis.error_response_json(
            "InvalidArgumentException",
            f"UpdateShardCount cannot scale from {len(before)} to {target} shards: the new count "
            "must be between half and double the current one.",
            400,
        )
    reshard(stream, target)
    counts = {"CurrentShardCount": len(before), "TargetShardCount": target}
    return kinesis.json_response({"StreamName": name, "StreamARN": stream["StreamARN"]} | counts)


def reshard(stream: Stream, target: int) -> None:
    before = _open(stream)
    fresh = kinesis._build_shards(target, kinesis._max_shard_index(stream) + 1)
    for shard in fresh.values():
        parents = [identity for identity, each in before.items() if _overlap(shard, each)]
        shard["parents"] = parents
        shard["parent_shard_id"] = parents[0]
        shard["adjacent_parent_shard_id"] = parents[1] if len(parents) > 1 else None
    for shard in before.values():
        _close(shard)
    stream["shards"] |= fresh


def _open(stream: Stream) -> dict[str, dict[str, Any]]:
    shards: dict[str, dict[str, Any]] = stream["shards"]
    return {identity: shard for identity, shard in shards.items() if CLOSED not in shard}


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    starts, ends = "starting_hash_key", "ending_hash_key"
    return int(one[starts]) <= int(other[ends]) and int(other[starts]) <= int(one[ends])


def _with_its_end(describe: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(describe)
    def describing(identity: str, shard: dict[str, Any]) -> dict[str, Any]:
        described = describe(identity, shard)
        if CLOSED in shard:
            described["SequenceNumberRange"]["EndingSequenceNumber"] = shard[CLOSED]
        return described

    return describing


def _encrypt(stream: Stream, properties: Properties) -> None:
    wanted = properties.get("StreamEncryption") or {"EncryptionType": "NONE", "KeyId": ""}
    stream["EncryptionType"], stream["KeyId"] = wanted["EncryptionType"], wanted["KeyId"]
