"""What cannot be undercut: reading the events, and handing their rows to PostgreSQL."""

from __future__ import annotations

import binascii
import io
import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.analytics.sample import Place


class Plain(msgspec.Struct, gc=False):
    """Of an event what JSON says: nothing is looked at."""

    event_id: str
    type: str
    account_id: str
    profile_id: str
    session_id: str
    title_id: str
    device: str
    country: str
    position_s: int
    watched_s: int
    bitrate_kbps: int
    rebuffer_ms: int
    ts: str


_parse = msgspec.json.Decoder(Plain).decode


class Json:
    """base64 and json.loads."""

    def __init__(self, place: Place) -> None:
        pass

    def handle(self, event: Mapping[str, Any]) -> None:
        for record in event["Records"]:
            json.loads(binascii.a2b_base64(record["kinesis"]["data"]))


class Msgspec:
    """base64 and msgspec."""

    def __init__(self, place: Place) -> None:
        pass

    def handle(self, event: Mapping[str, Any]) -> None:
        for record in event["Records"]:
            _parse(binascii.a2b_base64(record["kinesis"]["data"]))


class Copy:
    """The raw rows into an unlogged table without an index; what decoding costs is taken off."""

    def __init__(self, place: Place) -> None:
        self._connection = place.postgres()
        self._parsed: list[Plain] = []

    def prepare(self, event: Mapping[str, Any]) -> None:
        self._parsed = [
            _parse(binascii.a2b_base64(record["kinesis"]["data"])) for record in event["Records"]
        ]

    def handle(self, event: Mapping[str, Any]) -> None:  # noqa: ARG002
        lines = "".join(
            f"{e.event_id}\t{e.type}\t{e.account_id}\t{e.profile_id}\t{e.session_id}\t{e.title_id}\t"
            f"{e.device}\t{e.country}\t{e.position_s}\t{e.watched_s}\t{e.bitrate_kbps}\t"
            f"{e.rebuffer_ms}\t{e.ts}\n"
            for e in self._parsed
        )
        with self._connection, self._connection.cursor() as cursor:
            cursor.copy_expert("COPY analytics.raw_event FROM STDIN", io.StringIO(lines))
