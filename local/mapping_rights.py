"""What Lambda makes sure of before it takes a mapping of a stream: that the function's role may
read the stream, and may deliver what was given up.
"""

from __future__ import annotations

from typing import Any

from ministack.services import kinesis, lambda_svc

from local import authorization, shard_reader

PATCHES: tuple[str, ...] = (
    "ministack.services.kinesis:_MAPPING_READ_ACTIONS",
    "ministack.services.lambda_svc:_get_func_record_for_qualifier",
)


class MappingRefused(ValueError):
    """The function's role may not do what the mapping needs."""


def check(name: str | None, qualifier: str | None, mapping: dict[str, Any]) -> None:
    """Refuse a mapping whose function's role cannot read the stream or deliver failures.

    Raises: `MappingRefused`.
    """
    source = mapping.get("EventSourceArn", "")
    function, _ = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    if function is None or ":kinesis:" not in source:
        return
    role, actions = function["config"]["Role"], kinesis._MAPPING_READ_ACTIONS
    refused = [each for each in actions if not authorization.role_may(role, name, each, source)]
    if refused:
        raise MappingRefused(
            f"Cannot access stream {source}. Please ensure the role can perform the GetRecords, "
            "GetShardIterator, DescribeStream, DescribeStreamSummary and ListShards Actions on "
            f"your stream in IAM. It lacks {', '.join(refused)}."
        )
    failure = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
    destination = failure.get("Destination")
    if destination and not authorization.role_may(
        role, name, shard_reader.delivery(destination), destination
    ):
        raise MappingRefused(
            "The function's execution role does not have permissions to call "
            f"{shard_reader.delivery(destination)} on {destination}"
        )
