"""Writes the aggregated record format of the Kinesis Producer Library.

`MAGIC`, a protobuf message ``AggregatedRecord`` and the MD5 of that message. The message is three
fields deep and its encoding is fixed, so it is spelled out here: the consumer's protobuf classes
then meet bytes that no code of theirs has made.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC: Final = b"\xf3\x89\x9a\xc2"
MD5_BYTES: Final = 16

_KEY_TABLE: Final = b"\x0a"  # AggregatedRecord.partition_key_table, field 1
_RECORDS: Final = b"\x1a"  # AggregatedRecord.records, field 3
_FIRST_KEY: Final = b"\x08\x00"  # Record.partition_key_index, field 1: the table's only entry
_DATA: Final = b"\x1a"  # Record.data, field 3


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode(key: str, payloads: Sequence[bytes]) -> bytes:
    """One record's data; every payload travels under the same partition key."""
    body = _message(key, payloads)
    return MAGIC + body + hashlib.md5(body, usedforsecurity=False).digest()


def overhead(key: str) -> int:
    """Bytes that an empty aggregate takes, without its partition key in the request."""
    return len(MAGIC) + len(_KEY_TABLE) + len(varint(len(key))) + len(key) + MD5_BYTES


def size_of(payload: bytes) -> int:
    """Bytes that this payload adds to an aggregate."""
    data = len(varint(len(payload))) + len(payload)
    inner = len(_FIRST_KEY) + len(_DATA) + data
    return len(_RECORDS) + len(varint(inner)) + inner


def with_broken_checksum(key: str, payloads: Sequence[bytes]) -> bytes:
    """As a record looks after one bit was lost on the way."""
    data = bytearray(encode(key, payloads))
    data[len(data) // 2] ^= 0x01
    return bytes(data)


def with_broken_message(key: str, payloads: Sequence[bytes]) -> bytes:
    """The checksum is right, but the message ends in the middle of a record."""
    body = _message(key, payloads)[:-7]
    return MAGIC + body + hashlib.md5(body, usedforsecurity=False).digest()


def _message(key: str, payloads: Sequence[bytes]) -> bytes:
    name = key.encode()
    parts = [_KEY_TABLE, varint(len(name)), name]
    for payload in payloads:
        data = _DATA + varint(len(payload)) + payload
        parts += (_RECORDS, varint(len(_FIRST_KEY) + len(data)), _FIRST_KEY, data)
    return b"".join(parts)
