"""Every way in which a value may be written down, and how often one of them is found in bytes."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Iterator

GZIP = re.compile(rb"\x1f\x8b\x08")


@dataclass(frozen=True)
class Needles:
    """`exact` are looked for as they stand, `folded` in any case."""

    exact: frozenset[bytes]
    folded: frozenset[bytes]

    @classmethod
    def of(cls, texts: Iterable[str], ids: Iterable[uuid.UUID]) -> Needles:
        """Texts such as a name or an address, and ids."""
        exact: set[bytes] = set()
        folded: set[bytes] = set()
        for text in texts:
            for cased in {text, text.lower(), text.upper()}:
                exact.update(_base64(cased.encode()))
                folded.add(cased.encode().hex().encode())
                for digest in (hashlib.sha256, hashlib.md5):
                    hashed = digest(cased.encode())
                    exact.add(hashed.digest())
                    exact.update(_base64(hashed.digest()))
                    folded.add(hashed.hexdigest().encode())
            folded.add(text.lower().encode())
            folded.add(quote(text, safe="").lower().encode())
        for each in ids:
            folded.update((str(each).encode(), each.hex.encode()))
            exact.add(each.bytes)
            exact.update(_base64(each.bytes))
            exact.update(_base64(str(each).encode()))
        return cls(frozenset(exact), frozenset(folded))

    def count(self, content: bytes) -> int:
        """How many of the spellings are found, in the bytes and in what is gzipped in them."""
        return sum(self._count(part) for part in (content, *_unzipped(content)))

    def _count(self, content: bytes) -> int:
        lower = content.lower()
        return sum(content.count(each) for each in self.exact) + sum(
            lower.count(each) for each in self.folded
        )


def _base64(value: bytes) -> Iterator[bytes]:
    """What stands in base64 for these bytes wherever they begin in what was encoded."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value)
        whole = (before + len(value)) * 8 // 6  # characters that no later byte changes
        first = -(-before * 8 // 6)  # and that no earlier one does
        found = encoded[first:whole]
        yield found
        yield found.translate(bytes.maketrans(b"+/", b"-_"))


def _unzipped(content: bytes) -> Iterator[bytes]:
    for found in GZIP.finditer(content):
        try:
            yield zlib.decompressobj(wbits=31).decompress(content[found.start() :])
        except zlib.error:
            continue
