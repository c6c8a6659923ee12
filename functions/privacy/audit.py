"""The history of a request as a chain: each event carries the hash of the one before. Pure.

Whoever changes, drops or reorders an event breaks the chain from there on.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BEGINNING = "0" * 64

Event = dict[str, Any]


def canonical(content: Mapping[str, Any]) -> bytes:
    """One way to write it: keys in order, no spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def event(
    previous: str, sequence: int, at: str, what: str, detail: Mapping[str, str | int]
) -> Event:
    """The next event: ids, names of states and numbers, never an identity."""
    content = {
        "sequence": sequence,
        "at": at,
        "what": what,
        "detail": dict(detail),
        "previous": previous,
    }
    return {**content, "hash": hashlib.sha256(canonical(content)).hexdigest()}


def complaints(events: Sequence[Event]) -> list[str]:
    """What is wrong with a history, in words; empty when it is whole."""
    found = []
    previous = BEGINNING
    for number, each in enumerate(events, start=1):
        content = {key: value for key, value in each.items() if key != "hash"}
        if each.get("sequence") != number:
            found.append(f"event {number} is numbered {each.get('sequence')}")
        if each.get("previous") != previous:
            found.append(f"event {number} does not follow the one before")
        if each.get("hash") != hashlib.sha256(canonical(content)).hexdigest():
            found.append(f"event {number} was changed")
        previous = str(each.get("hash"))
    return found
