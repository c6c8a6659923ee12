"""Logs without personal data: redaction happens where every line passes; no call can forget it."""

from __future__ import annotations

import functools
import logging
import re
from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")

GONE = "[redacted]"

# What stands under these names identifies a person or opens a door.
PRIVATE_KEYS = frozenset(
    {
        "account_id",
        "authorization",
        "device_id",
        "email",
        "identity",
        "identity_value",
        "ip",
        "password",
        "profile_id",
        "secret_string",
        "secretstring",
        "session_id",
        "session_token",
        "token",
    }
)

_NAMES = "|".join(sorted(PRIVATE_KEYS, key=len, reverse=True))
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # PostgreSQL quotes rows in these parts of an error, and values at the end of a message.
    (re.compile(r"\b((?:DETAIL|CONTEXT|QUERY|STATEMENT|WHERE|HINT):).*"), rf"\1 {GONE}"),
    (re.compile(r"(invalid (?:input|byte)[^:\n]*: ).*"), rf"\1{GONE}"),
    (re.compile(r'(value )"[^"\n]*"( is out of range)'), rf"\1{GONE}\2"),
    # name=value, 'name': 'value', "name": "value"
    (
        re.compile(
            rf"""(?i)\b({_NAMES})(\\?["']?\s*[=:]\s*)"""
            r"""(\\?"[^"]*"|'[^']*'|(?:Bearer\s+|Basic\s+)?[^\s,;&)}\]]+)"""
        ),
        rf"\1\2{GONE}",
    ),
    (re.compile(r"(?i)(//[^\s/:@]+:)[^\s/@]+(@)"), rf"\1{GONE}\2"),  # user:password@host
    (re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:=]+\.[^\W\d_]{2,}"), GONE),
)


def redact(value: Any) -> Any:
    """The same value with everything personal replaced; containers keep their shape."""
    if isinstance(value, str):
        for pattern, replacement in _PATTERNS:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, dict):
        return {
            redact(key): GONE if str(key).lower() in PRIVATE_KEYS else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


class _Redacting(LambdaPowertoolsFormatter):
    """Redacts the finished line: message, extra keys, exception and stack trace alike."""

    def serialize(self, log: Any) -> str:
        return super().serialize(redact(log))


class _RedactingRecord(logging.LogRecord):
    """For lines that are not ours: libraries log through the runtime's own handler."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        if self.exc_info:  # formatters take this text when it is there
            self.exc_text = redact(logging.Formatter().formatException(self.exc_info))

    def getMessage(self) -> str:  # noqa: N802
        return str(redact(super().getMessage()))


def get(service: str) -> Logger:
    """The logger of a room, one JSON object per line. `streamflix` itself then logs through it."""
    logging.setLogRecordFactory(_RedactingRecord)
    logger = Logger(service=service, logger_formatter=_Redacting(use_rfc3339=True, utc=True))
    shared = logging.getLogger("streamflix")
    shared.handlers, shared.propagate = list(logger.handlers), False
    return logger


def handler(logger: Logger) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Decorate an entry: every line carries the request's id, and an exception that leaves the
    function is redacted as well, because the runtime logs it without asking a logger."""

    def decorate(entry: Callable[..., R]) -> Callable[..., R]:
        @functools.wraps(entry)
        def redacted(event: Any, context: Any, **keywords: Any) -> R:
            try:
                return entry(event, context, **keywords)
            except Exception as error:
                error.args = tuple(redact(argument) for argument in error.args)
                raise error from None

        inject = logger.inject_lambda_context(clear_state=True)
        decorated: Callable[..., R] = inject(redacted)
        return decorated

    return decorate
