"""What a room says, and asking one of its functions: the same on both clouds.

SAM CLI would do for the logs; its `remote invoke` finds no function of a nested stack by name.
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from account.names import PROJECT, is_ours, require_room, room_of
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EVENTS = Path(__file__).parent.parent / "events"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned, and the end of its log."""

    payload: str
    log: str
    failed: bool


def seconds(text: str) -> int:
    """`10m` as seconds. Raises: `Refusal`."""
    parts = re.fullmatch(r"(\d+)([smhd])", text)
    if not parts:
        raise Refusal(f"SINCE={text} is no time: write 30s, 10m, 2h or 1d.")
    return int(parts[1]) * UNITS[parts[2]]


def lines(logs: Any, environment: str, room: str, since: int) -> Iterator[str]:
    """Everything the room has logged in the last seconds, oldest first. Raises: `Refusal`."""
    groups = require_room(_groups(logs, environment), room)
    start = int((time.time() - since) * 1000)
    events = [
        (event["timestamp"], group, event["message"].rstrip())
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=start
        )
        for event in page["events"]
    ]
    if not events:
        yield f"{room} has logged nothing in that time. Its log groups: {', '.join(groups)}"
    for stamp, group, message in sorted(events, key=lambda event: event[0]):
        moment = datetime.fromtimestamp(stamp / 1000, UTC)
        source = f" {group.rsplit('/', 1)[-1]}" if len(groups) > 1 else ""
        yield f"{moment:%H:%M:%S}.{stamp % 1000:03d}{source} {message}"


def function(lambdas: Any, environment: str, short: str) -> str:
    """The full name for `analytics-consume`. Raises: `Refusal` that lists the functions."""
    names = [
        each["FunctionName"]
        for page in lambdas.get_paginator("list_functions").paginate()
        for each in page["Functions"]
        if is_ours(environment, each["FunctionName"])
    ]
    full = f"{PROJECT}-{short}-{environment}"
    if full not in names:
        known = sorted(n.removeprefix(f"{PROJECT}-").removesuffix(f"-{environment}") for n in names)
        asked = f"There is no function {short!r}" if short else "Say which function: FN=…"
        raise Refusal(f"{asked}. Functions: {', '.join(known) or 'none, deploy first'}.")
    return full


def room(name: str) -> str:
    """The room of a function's full name."""
    return name.removeprefix(f"{PROJECT}-").partition("-")[0]


def event(path: str, room: str) -> bytes:
    """A sample event. Raises: `Refusal` that lists the room's."""
    file = Path(path)
    if not path or not file.is_file():
        known = sorted(f"events/{p.relative_to(EVENTS)}" for p in EVENTS.glob(f"{room}/*.json"))
        known = [each for each in known if not each.endswith(".schema.json")]
        asked = f"There is no file {path}" if path else "Say which event: EVENT=…"
        raise Refusal(f"{asked}. Samples: {', '.join(known)}.")
    try:
        json.loads(file.read_bytes())
    except ValueError as error:
        raise Refusal(f"{path} is not JSON: {error}") from None
    return file.read_bytes()


def invoke(lambdas: Any, name: str, payload: bytes) -> Answer:
    """Call it and wait. The function's own error is an answer, not an exception."""
    answer: Mapping[str, Any] = lambdas.invoke(FunctionName=name, Payload=payload, LogType="Tail")
    text = answer["Payload"].read().decode(errors="replace")
    tail = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    return Answer(text, tail, "FunctionError" in answer)


def _groups(logs: Any, environment: str) -> dict[str, list[str]]:
    """Log groups by room, whatever service they belong to."""
    found: dict[str, list[str]] = {}
    for page in logs.get_paginator("describe_log_groups").paginate():
        for each in page["logGroups"]:
            room = room_of(environment, each["logGroupName"])
            if room:
                found.setdefault(room, []).append(each["logGroupName"])
    return found
