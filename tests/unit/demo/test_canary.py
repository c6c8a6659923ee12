"""A canary is found however it is written, and not where it is not."""

from __future__ import annotations

import base64
import gzip
import hashlib
import uuid
from urllib.parse import quote

import pytest

from demo.canary import Needles

MARK, EMAIL = "CanaryBird", "CanaryBird@viewer.example"
WHO = uuid.UUID("0b3a5f3e-5f0e-4a36-8f0b-0c7a3f9a1d10")
NEEDLES = Needles.of((MARK, EMAIL), [WHO])

SPELLED = {
    "raw": EMAIL.encode(),
    "lower": EMAIL.lower().encode(),
    "upper": EMAIL.upper().encode(),
    "hex": EMAIL.encode().hex().encode(),
    "HEX": EMAIL.encode().hex().upper().encode(),
    "url": quote(EMAIL, safe="").encode(),
    "sha256": hashlib.sha256(EMAIL.lower().encode()).hexdigest().encode(),
    "md5 bytes": hashlib.md5(EMAIL.encode()).digest(),
    "uuid": str(WHO).encode(),
    "UUID": str(WHO).upper().encode(),
    "uuid without dashes": WHO.hex.encode(),
    "uuid bytes": WHO.bytes,
    "gzip": gzip.compress(b"x" * 50 + EMAIL.encode()),
    **{f"base64 at {n}": base64.b64encode(b"." * n + EMAIL.encode() + b"...") for n in range(3)},
    **{f"base64 id at {n}": base64.b64encode(b"." * n + WHO.bytes + b"....") for n in range(3)},
}


@pytest.mark.parametrize("spelled", SPELLED.values(), ids=SPELLED)
def test_it_is_found_however_it_is_written(spelled: bytes) -> None:
    assert NEEDLES.count(b"before \x1f\x8b\x08 " + spelled + b" after") >= 1


def test_it_is_not_found_where_it_is_not() -> None:
    other = uuid.uuid4()
    texts = ("another@viewer.example", str(other), "Canary", "viewer.example")
    content = b" ".join(each.encode() for each in texts) + other.bytes + bytes(range(256))

    assert NEEDLES.count(content + base64.b64encode(content) + gzip.compress(content)) == 0
