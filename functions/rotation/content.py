"""A secret's text: JSON as AWS documents it, of which two values are ours and the rest is not."""

from __future__ import annotations

import json
import secrets
import string
from json.decoder import WHITESPACE, JSONDecoder, scanstring  # type: ignore[attr-defined]
from typing import TYPE_CHECKING, Any

from streamflix.errors import SecretMalformed
from streamflix.logins import TWIN_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

# Letters and digits only: legal for Aurora (8-99 characters without / " @ and space) and for
# ElastiCache (16-128, no quotes or spaces), and the same in every DSN and URL.
PASSWORD_LENGTH = 48
_ALPHABET = string.ascii_letters + string.digits


def password() -> str:
    """48 letters and digits, 285 bits; of each kind at least one, as password policies demand."""
    while True:
        word = "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))
        kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
        if all(any(letter in kind for letter in word) for kind in kinds):
            return word


def twin(username: str) -> str:
    """The other login of the pair."""
    if username.endswith(TWIN_SUFFIX):
        return username.removesuffix(TWIN_SUFFIX)
    return username + TWIN_SUFFIX


def replaced(text: str, values: Mapping[str, str]) -> str:
    """The same text with these top-level string values; every other byte stays as it is.

    Raises: `SecretMalformed` when it is no JSON object, or lacks one of the keys or has it twice.
    """
    spans = _spans(text)
    for key in values:
        if [name for name, *_ in spans].count(key) != 1:
            raise SecretMalformed(f"the secret must have the key {key} once")
    for key, start, end in reversed(spans):
        if key in values:
            text = text[:start] + json.dumps(values[key]) + text[end:]
    return text


def _spans(text: str) -> list[tuple[str, int, int]]:
    """Key, begin and end of each top-level value, in the order of the text."""
    try:
        if not isinstance(json.loads(text), dict):
            raise SecretMalformed("not a JSON object")
    except ValueError:
        raise SecretMalformed("not JSON") from None
    decoder, spans = JSONDecoder(), []
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        key, at = scanstring(text, at + 1)
        start = _skip(text, _skip(text, at) + 1)
        _, end = decoder.raw_decode(text, start)
        spans.append((key, start, end))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return spans


def _skip(text: str, at: int) -> int:
    match: Any = WHITESPACE.match(text, at)
    return int(match.end())
