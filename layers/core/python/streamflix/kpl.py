"""Writes the aggregated record format of the Kinesis Producer Library: many payloads, one record.

`MAGIC`, a protobuf message, the MD5 of that message. Of the public format (aggregation-format.md of
amazon-kinesis-producer) everything but the tags is written:

    message AggregatedRecord {
      repeated string partition_key_table = 1;
      repeated string explicit_hash_key_table = 2;
      repeated Record records = 3;
    }
    message Record {
      required uint64 partition_key_index = 1;
      optional uint64 explicit_hash_key_index = 2;
      required bytes data = 3;
    }

It is spelt out by hand: that keeps protobuf off the import path, and every byte is known before a
payload is added.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC: Final = b"\xf3\x89\x9a\xc2"
MD5_BYTES: Final = 16

_KEY: Final = b"\x0a"  # field 1 of AggregatedRecord
_HASH_KEY: Final = b"\x12"  # field 2
_RECORD: Final = b"\x1a"  # field 3
_KEY_INDEX: Final = b"\x08"  # field 1 of Record
_FIRST_HASH_KEY: Final = b"\x10\x00"  # field 2: the table's only entry
_DATA: Final = b"\x1a"  # field 3


class Aggregate:
    """One record in the making.

    Its user records keep their own partition keys and share one explicit hash key, that of the
    first, whose key is also the record's. So they all belong where the record lands, even when the
    stream has been resharded meanwhile: Amazon's client library silently drops an aggregate in
    which one user record hashes to another shard.
    """

    __slots__ = ("_body", "_indexes", "_keys", "size")

    def __init__(self) -> None:
        self.size = len(MAGIC) + MD5_BYTES
        """Bytes as Kinesis counts them: `data` and the record's own partition key."""
        self._indexes: dict[str, int] = {}
        self._keys: list[str] = []
        self._body: list[bytes] = []  # head and payload in turn

    def __len__(self) -> int:
        """How many user records it holds."""
        return len(self._keys)

    @property
    def key(self) -> str:
        """The record's own partition key."""
        return self._keys[0]

    @property
    def users(self) -> Iterator[tuple[str, bytes]]:
        """What a consumer gets back: partition keys and payloads, in order."""
        return zip(self._keys, self._body[1::2], strict=True)

    def add(self, key: str, payload: bytes, limit: int) -> bool:
        """Take a payload, unless that makes the record larger than `limit` bytes."""
        index = self._indexes.get(key)
        if index is None:
            index = len(self._indexes)
            growth = self._size_of_new(key)
        else:
            growth = 0
        head = _head(index, len(payload))
        growth += len(head) + len(payload)
        if self.size + growth > limit:
            return False
        self._indexes[key] = index
        self._keys.append(key)
        self._body += (head, payload)
        self.size += growth
        return True

    def data(self) -> bytes:
        """The record's data; of an aggregate that holds at least one payload."""
        tables = [_key_entry(key) for key in self._indexes]
        tables.append(_entry(_HASH_KEY, str(hash_of(self.key))))
        message = b"".join(tables + self._body)
        digest = hashlib.md5(message, usedforsecurity=False).digest()
        return b"".join((MAGIC, message, digest))

    def _size_of_new(self, key: str) -> int:
        """What a key adds to the tables; the first one also leads the record."""
        size = len(_key_entry(key))
        if not self._indexes:
            size += len(_entry(_HASH_KEY, str(hash_of(key)))) + len(key.encode())
        return size


def hash_of(key: str) -> int:
    """Where a partition key lies in the range that the shards share: 0 to 2**128 - 1."""
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")


# Events have few lengths, aggregates few keys, and keys come again.


@lru_cache(8192)
def _head(index: int, length: int) -> bytes:
    """What stands before a payload of this length."""
    record = b"".join((_KEY_INDEX, _varint(index), _FIRST_HASH_KEY, _DATA, _varint(length)))
    return b"".join((_RECORD, _varint(len(record) + length), record))


@lru_cache(8192)
def _key_entry(key: str) -> bytes:
    return _entry(_KEY, key)


def _entry(field: bytes, text: str) -> bytes:
    encoded = text.encode()
    return b"".join((field, _varint(len(encoded)), encoded))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
