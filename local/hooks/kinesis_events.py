"""Gap: a stream's event source knows batch size and nothing else.

Stock, one thread calls all functions in turn, a failing batch blocks its shard for ever, and no
retry limit, record age, bisection, batching window, failure destination or payload limit counts.
Here each shard of a mapping has a thread, the rules are `local.event_source`'s, and reading the
stream and delivering failures are asked of the function's role, as AWS does. A mapping that is
being disabled says so until no batch of it is in flight.

Test: tests/contract/local/test_kinesis_events.py
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import kinesis, lambda_svc

from local import mapping_rights
from local.event_source import truth
from local.shard_reader import Mapping, Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    *mapping_rights.PATCHES,
    "ministack.core.responses:_request_account_id",
    "ministack.core.responses:_request_region",
    "ministack.services.cloudwatch:record_metric",
    "ministack.services.kinesis:_streams",
    "ministack.services.lambda_svc:_apply_filter_criteria",
    "ministack.services.lambda_svc:_create_esm",
    "ministack.services.lambda_svc:_emit_lambda_metrics",
    "ministack.services.lambda_svc:_esm_response",
    "ministack.services.lambda_svc:_esm_wake",
    "ministack.services.lambda_svc:_esms",
    "ministack.services.lambda_svc:_execute_function",
    "ministack.services.lambda_svc:_get_func_record_for_qualifier",
    "ministack.services.lambda_svc:_init_stream_position",
    "ministack.services.lambda_svc:_invalid_parameter_value",
    "ministack.services.lambda_svc:_iter_all_esms",
    "ministack.services.lambda_svc:_poll_kinesis",
    "ministack.services.lambda_svc:_release_esm_poll_state",
    "ministack.services.lambda_svc:_resolve_existing_esm_function",
    "ministack.services.lambda_svc:_update_esm",
)
TYPES: tuple[str, ...] = ()

logger = logging.getLogger("streamflix.kinesis_events")

_readers: dict[tuple[str, str], Reader] = {}
checkpoints: dict[str, dict[str, str]] = {}
"""Per mapping and shard the last sequence number that was brought to an end."""


def install(cloud: Cloud) -> None:
    cloud.metrics.give("AWS/Lambda", "IteratorAge")
    lambda_svc._poll_kinesis = poll
    lambda_svc._create_esm = _refusing(lambda_svc._create_esm)
    lambda_svc._update_esm = _waking(lambda_svc._update_esm)
    lambda_svc._esm_response = _telling(lambda_svc._esm_response)
    lambda_svc._init_stream_position = _begin(lambda_svc._init_stream_position)
    lambda_svc._release_esm_poll_state = _forget(lambda_svc._release_esm_poll_state)


def poll() -> bool:
    """Give each shard of each active mapping its reader and wake them all.

    False: the caller's loop need not come back at once; a new record wakes it.
    """
    for mapping, shards in mappings():
        places = checkpoints.get(mapping.identity)
        if places is None:
            continue  # being made, or gone
        for shard in shards:
            key = (mapping.identity, shard)
            if key not in _readers or not _readers[key].is_alive():
                _readers[key] = Reader(mapping, shard, places)
                _readers[key].start()
            _readers[key].wake.set()
    return False


def mappings() -> Iterator[tuple[Mapping, list[str]]]:
    for account, region, record in lambda_svc._iter_all_esms():
        source = record.get("EventSourceArn", "")
        if ":kinesis:" not in source or not truth(record.get("Enabled", True)):
            continue
        _request_account_id.set(account)
        _request_region.set(region)
        stream = kinesis._streams.get(source.rpartition("/")[2])
        if stream and stream["StreamStatus"] == "ACTIVE":
            yield Mapping(account, region, record["UUID"]), list(stream["shards"])


def _refusing(create: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(create)
    def creating(data: dict[str, Any]) -> Any:
        name, qualifier, _ = lambda_svc._resolve_existing_esm_function(data["FunctionName"])
        try:
            mapping_rights.check(name, qualifier, data)
        except mapping_rights.MappingRefused as refusal:
            return lambda_svc._invalid_parameter_value(str(refusal))
        return create(data)

    return creating


def _begin(init: Callable[..., Any]) -> Callable[..., Any]:
    """Note where a new mapping starts. CloudFormation's were not checked yet."""

    @functools.wraps(init)
    def beginning(identity: str, source: str, starting: str) -> None:
        init(identity, source, starting)
        if ":kinesis:" not in source:
            return
        if made := lambda_svc._esms.get(identity):
            try:
                mapping_rights.check(made["FunctionName"], made.get("Qualifier"), made)
            except mapping_rights.MappingRefused:
                del lambda_svc._esms[identity]
                raise
        stream = kinesis._streams.get(source.rpartition("/")[2]) or {"shards": {}}
        checkpoints[identity] = {
            shard: content["records"][-1]["SequenceNumber"]
            for shard, content in stream["shards"].items()
            if starting == "LATEST" and content["records"]
        }
        lambda_svc._esm_wake.set()

    return beginning


def _waking(change: Callable[..., Any]) -> Callable[..., Any]:
    """Let a change count at once, not at the next second."""

    @functools.wraps(change)
    def changing(identity: str, data: dict[str, Any]) -> Any:
        answer = change(identity, data)
        for reader in _readers_of(identity):
            reader.wake.set()
        lambda_svc._esm_wake.set()
        return answer

    return changing


def _telling(respond: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(respond)
    def responding(mapping: dict[str, Any]) -> Any:
        told = respond(mapping)
        if told.get("State") == "Disabled" and _readers_of(mapping["UUID"]):
            told["State"] = "Disabling"
        return told

    return responding


def _readers_of(identity: str) -> list[Reader]:
    """Those that still read for this mapping."""
    of_all = list(_readers.items())
    return [reader for (whose, _), reader in of_all if whose == identity and reader.is_alive()]


def _forget(release: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(release)
    def forgetting(identity: str) -> None:
        release(identity)
        checkpoints.pop(identity, None)

    return forgetting
