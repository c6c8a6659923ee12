"""Settings: a dataclass whose fields are the function's environment variables in lower case."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, get_origin, get_type_hints

from streamflix.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def parse(cls: type[T], env: Mapping[str, str]) -> T:
    """Make a `cls` of an environment.

    A field may be `str`, `int`, `float`, `bool` ("true" | "false"), `tuple[str, ...]` (separated by
    commas) or `Mapping[str, str]` (a JSON object). A field with a default may be absent; one that
    is present must not be empty.
    Raises: `SettingsInvalid`, once, naming every variable that is missing or malformed.
    """
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for field in fields(cls):
        name = field.name.upper()
        text = env.get(name)
        if text is None and _has_default(field):
            continue
        if not text:
            complaints.append(f"{name} is missing" if text is None else f"{name} is empty")
            continue
        try:
            values[field.name] = _reader(hints[field.name])(text)
        except (ValueError, TypeError) as error:
            complaints.append(f"{name} {error}")
    if complaints:
        raise SettingsInvalid(f"{cls.__module__}.{cls.__qualname__}: {'; '.join(complaints)}")
    return cls(**values)


@cache
def cached(cls: type[T]) -> T:
    """The settings of this process. Read at the first call, never at import."""
    return parse(cls, os.environ)


def _has_default(field: Any) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _reader(hint: Any) -> Callable[[str], object]:
    return _READERS[get_origin(hint) or hint]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("is not a number") from None


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return text == "true"


def _words(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(words):
        raise ValueError("has an empty item")
    return words


def _object(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        raise ValueError("is not JSON") from None
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ValueError("is not a JSON object of strings")
    return value


# A hint that is not here is a KeyError at the first call, in the first test.
_READERS: dict[Any, Callable[[str], object]] = {
    str: str,
    int: _integer,
    float: _number,
    bool: _truth,
    tuple: _words,
    Mapping: _object,
}
