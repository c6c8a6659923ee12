"""Records of the Kinesis Producer Library, from the event to sums: by us, and by AWS's library."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.analytics.sample import Place


class Ours:
    def __init__(self, place: Place) -> None:  # noqa: ARG002
        from analytics.decode import decode
        from analytics.envelope import Batch
        from analytics.rollup import roll_up

        self._batch, self._decode, self._roll_up = Batch.from_event, decode, roll_up

    def handle(self, event: Mapping[str, Any]) -> None:
        self._roll_up(self._decode(self._batch(event).records).events)


class Library:
    """aws-kinesis-agg takes the records apart; decoder and sums are ours, one event at a time."""

    def __init__(self, place: Place) -> None:  # noqa: ARG002
        import msgspec
        from aws_kinesis_agg.deaggregator import deaggregate_records

        from analytics.decode import Event
        from analytics.rollup import roll_up

        self._deaggregate, self._roll_up = deaggregate_records, roll_up
        self._parse = msgspec.json.Decoder(Event).decode

    def handle(self, event: Mapping[str, Any]) -> None:
        records = self._deaggregate(event["Records"])
        self._roll_up([self._parse(base64.b64decode(each["kinesis"]["data"])) for each in records])
