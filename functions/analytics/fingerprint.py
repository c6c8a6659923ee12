"""Numbers that stand for ids where the ids themselves are not needed, of a whole batch at once."""

from __future__ import annotations

from array import array
from binascii import unhexlify
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ID_CHARS = 36
BYTES = 8

_DASHES = (8, 13, 18, 23)


class NotAnId(ValueError):
    """One of the texts is no UUID of 36 characters. It is not said which."""


def of(ids: Sequence[str]) -> bytes:
    """8 bytes for each UUID: its halves, one laid over the other backwards. Raises: `NotAnId`.

    Ids that are random, or made from a clock, spread: two of 10 million are the same once in
    300,000 times. The same in every process, unlike hash().
    """
    whole = array("Q", _bytes(ids))
    halves = whole[1::2]
    halves.byteswap()  # or an id whose halves are equal would be like all such
    first, second = whole[::2].tobytes(), halves.tobytes()
    laid = int.from_bytes(first, "little") ^ int.from_bytes(second, "little")
    return laid.to_bytes(len(first), "little")


def check(ids: Sequence[str]) -> None:
    """Raises: `NotAnId`."""
    _bytes(ids)


def _bytes(ids: Sequence[str]) -> bytes:
    # Looked at as one text: a text by itself would take ten times as long. Each has 36 characters,
    # dashes where they belong, none elsewhere, and nothing but hexadecimal digits beside.
    count = len(ids)
    try:
        text = "".join(ids).encode("ascii")
        dashes = b"-" * count
        if len(text) == ID_CHARS * count and all(text[at::ID_CHARS] == dashes for at in _DASHES):
            found = unhexlify(text.translate(None, b"-"))
            if len(found) == 2 * BYTES * count:
                return found
    except ValueError:
        pass
    raise NotAnId
