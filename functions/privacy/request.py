"""An OpenDSR request, from the bytes that came. Pure.

Version 2.0 lists identities, 3.0 has them by type; both are taken. Errors name the field and what
would be right, never what was sent.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from privacy.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

BODY_BYTES = 64 * 1024
EARLY = timedelta(minutes=5)
CALLBACKS = 5
URL_CHARS = 1024
EMAIL_CHARS = 320

REQUEST_TYPES = ("erasure",)
KNOWN_TYPES = ("access", "portability", "erasure")
IDENTITY_TYPES = ("controller_customer_id", "email")
VERSIONS = ("2.0", "3.0")
FIELDS = frozenset(
    {
        "regulation",
        "subject_request_id",
        "subject_request_type",
        "submitted_time",
        "subject_identities",
        "api_version",
        "status_callback_urls",
        "extensions",
        "group_id",
    }
)
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\\\]]+@[^\s@\"(),:;<>\[\\\]]+\.[^\s@.\"(),:;<>\[\\\]]+")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_DOORS = re.compile(r"(?i)auth|token|password|secret|api_?key|credential")


class Complaint(NamedTuple):
    """`reason` is for programs, `message` for people; neither quotes what was sent."""

    field: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. Its representation shows nobody."""

    request: UUID
    submitted_at: datetime
    identities: Mapping[str, str] = field(repr=False)
    callback_urls: tuple[str, ...]
    verified_by: str
    version: str
    sha256: str
    encoded: str = field(repr=False)
    """The whole request in base64, for the answer."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What this environment accepts."""

    domain: str
    """Whose extensions are ours."""
    verifications: Collection[str]
    """Ways of identification that the caller may vouch for."""
    callback_hosts: Collection[str]


def parse(body: bytes, rules: Rules, now: datetime) -> Request:
    """Raises: `InvalidRequest`, with every complaint at once."""
    content = _load(body)
    complaints: list[Complaint] = []
    values = {
        name: _read(complaints, name, read, content, rules, now) for name, read in _READERS.items()
    }
    if set(content) - FIELDS:  # their names may be anything, an address as well
        known = ", ".join(sorted(FIELDS))
        complaints.append(Complaint("request", "unknown", f"has other fields than {known}"))
    if complaints:
        raise InvalidRequest(complaints)
    return Request(
        request=values["subject_request_id"],
        submitted_at=values["submitted_time"],
        identities=values["subject_identities"],
        callback_urls=values["status_callback_urls"],
        verified_by=values["extensions"],
        version=values["api_version"],
        sha256=hashlib.sha256(body).hexdigest(),
        encoded=base64.b64encode(body).decode(),
    )


class _Refused(Exception):
    """One complaint: reason and message."""


def _read(
    complaints: list[Complaint],
    name: str,
    read: Callable[[Any, Rules, datetime], Any],
    content: Mapping[str, Any],
    rules: Rules,
    now: datetime,
) -> Any:
    try:
        return read(content.get(name), rules, now)
    except _Refused as refused:
        complaints.append(Complaint(name, *refused.args))
        return None


def _load(body: bytes) -> dict[str, Any]:
    if len(body) > BODY_BYTES:
        raise _invalid("too_long", f"is longer than {BODY_BYTES} bytes")
    try:
        content = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
        has_control = _has_control(content)
    except (ValueError, RecursionError) as error:
        why = error.args[0] if isinstance(error, _Twice) else "is not JSON in UTF-8"
        raise _invalid("not_json", why) from None
    if not isinstance(content, dict):
        raise _invalid("not_json", "is not a JSON object")
    if has_control:
        raise _invalid("control_character", "has a control character in a text")
    return content


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _Twice("has the same key twice in one object")
    return dict(pairs)


def _no_number(_: str) -> float:
    raise ValueError


def _has_control(value: Any) -> bool:
    if isinstance(value, str):
        return any(unicodedata.category(char) in {"Cc", "Cs"} for char in value)
    if isinstance(value, dict):
        return any(_has_control(key) or _has_control(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_control, value))


def _invalid(reason: str, message: str) -> InvalidRequest:
    return InvalidRequest([Complaint("request", reason, message)])


def _regulation(value: Any, _rules: Rules, _now: datetime) -> str:
    if value != "gdpr":
        raise _Refused("unsupported_regulation", "must be gdpr")
    return str(value)


def _request_id(value: Any, _rules: Rules, _now: datetime) -> UUID:
    if not (isinstance(value, str) and _UUID4.fullmatch(value)):
        raise _Refused("invalid", "must be a version 4 UUID in lower case")
    return UUID(value)


def _request_type(value: Any, _rules: Rules, _now: datetime) -> str:
    if value not in REQUEST_TYPES:
        reason = "unsupported_request_type" if value in KNOWN_TYPES else "invalid"
        raise _Refused(reason, f"must be one of {', '.join(REQUEST_TYPES)}")
    return str(value)


def _submitted(value: Any, _rules: Rules, now: datetime) -> datetime:
    if not (isinstance(value, str) and _TIME.fullmatch(value)):
        raise _Refused("invalid", "must be a time as in RFC 3339, for example 2026-11-30T09:00:00Z")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _Refused("invalid", "is a day or an hour that does not exist") from None
    if moment > now + EARLY:
        raise _Refused("in_the_future", "lies in the future")
    return moment


def _identities(value: Any, _rules: Rules, _now: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, text, form in _listed(value):
        if kind not in IDENTITY_TYPES:
            raise _Refused(
                "unsupported_identity_type",
                f"may be of type {' or '.join(IDENTITY_TYPES)}; leave others out",
            )
        if form != "raw":
            raise _Refused("unsupported_identity_format", "must be raw; nobody can undo a hash")
        if kind in found:
            raise _Refused("invalid", f"has two of type {kind}; ask for one person at a time")
        found[kind] = _IDENTITIES[kind](text)
    if not found:
        raise _Refused("missing", f"must have one of type {' or '.join(IDENTITY_TYPES)}")
    return found


def _listed(value: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Type, value and format of each, of either version."""
    wrong = _Refused("invalid", "must be a list (2.0) or an object by type (3.0) of identities")
    if isinstance(value, list):
        keys = ("identity_type", "identity_value", "identity_format")
        for each in value:
            if not (isinstance(each, dict) and set(each) <= set(keys)):
                raise wrong
            yield each.get(keys[0]), each.get(keys[1]), each.get(keys[2])
    elif isinstance(value, dict):
        for kind, each in value.items():
            if not (isinstance(each, dict) and set(each) <= {"value", "encoding"}):
                raise wrong
            yield kind, each.get("value"), each.get("encoding", "raw")
    else:
        raise wrong


def _customer_id(value: Any) -> str:
    if not (isinstance(value, str) and _UUID.fullmatch(value)):
        raise _Refused("invalid", "of type controller_customer_id must be a UUID in lower case")
    return value


def _email(value: Any) -> str:
    if not (
        isinstance(value, str)
        and len(value) <= EMAIL_CHARS
        and _EMAIL.fullmatch(value)
        and unicodedata.normalize("NFKC", value) == value
    ):
        raise _Refused("invalid", "of type email must be one address, in Unicode's form NFKC")
    return value


_IDENTITIES: Mapping[str, Callable[[Any], str]] = {
    "controller_customer_id": _customer_id,
    "email": _email,
}


def _version(value: Any, _rules: Rules, _now: datetime) -> str:
    if value is None:
        return VERSIONS[0]
    if value not in VERSIONS:
        raise _Refused("unsupported_version", f"must be one of {', '.join(VERSIONS)}")
    return str(value)


def _callbacks(value: Any, rules: Rules, _now: datetime) -> tuple[str, ...]:
    if value is None:
        return ()
    if not (isinstance(value, list) and len(value) <= CALLBACKS):
        raise _Refused("invalid", f"must be a list of {CALLBACKS} at most")
    for each in value:
        if not (isinstance(each, str) and len(each) <= URL_CHARS and _is_plain_url(each)):
            raise _Refused(
                "invalid", "must be https addresses of a host and a path, without query or port"
            )
        if urlsplit(each).hostname not in rules.callback_hosts:
            raise _Refused(
                "unknown_host", "must be of hosts that the list of callers allows (docs/privacy.md)"
            )
    return tuple(dict.fromkeys(value))


def _is_plain_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        plain = url.scheme == "https" and url.netloc == url.hostname and url.path.isascii()
    except ValueError:
        return False
    return plain and not (url.query or url.fragment or "?" in text or "#" in text)


def _extensions(value: Any, rules: Rules, _now: datetime) -> str:
    ours = value.get(rules.domain) if isinstance(value, dict) else None
    if not isinstance(ours, dict):
        raise _Refused("missing", f"must have {rules.domain}.verified_by: how you know the person")
    if _opens_a_door(value):
        raise _Refused("credential", "must not carry credentials; sign the request instead")
    if set(ours) != {"verified_by"}:
        raise _Refused("unknown", f"may have verified_by below {rules.domain}, nothing else")
    if ours["verified_by"] not in rules.verifications:
        allowed = ", ".join(sorted(rules.verifications)) or "nothing"
        raise _Refused("not_allowed", f"{rules.domain}.verified_by: you may say {allowed}")
    return str(ours["verified_by"])


def _opens_a_door(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_DOORS.search(key) or _opens_a_door(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_opens_a_door, value))


_READERS: Mapping[str, Callable[[Any, Rules, datetime], Any]] = {
    "regulation": _regulation,
    "subject_request_id": _request_id,
    "subject_request_type": _request_type,
    "submitted_time": _submitted,
    "subject_identities": _identities,
    "api_version": _version,
    "status_callback_urls": _callbacks,
    "extensions": _extensions,
}
