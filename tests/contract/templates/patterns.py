"""Whether an event matches a rule's pattern, in as much of EventBridge's language as ours speak."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]


def matches(pattern: Body, event: Body) -> bool:
    """Every field that the pattern names is there and is one of what the pattern lists."""
    return all(
        matches(wanted, event.get(field, {}))
        if isinstance(wanted, dict)
        else _any(wanted, event.get(field))
        for field, wanted in pattern.items()
    )


def _any(wanted: list[Any], value: Any) -> bool:
    found = value if isinstance(value, list) else [value]
    return any(_one(each, it) for each in wanted for it in found)


def _one(wanted: Any, value: Any) -> bool:
    match wanted:
        case {"prefix": str(begin)}:
            return isinstance(value, str) and value.startswith(begin)
        case {"exists": bool(there)}:
            return (value is not None) is there
        case dict():
            raise AssertionError(f"{wanted}: teach this reader what it means")
    return bool(wanted == value)
