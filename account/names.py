"""Which names are an environment's own: `streamflix-<thing>-<env>`, and what AWS hangs on to it."""

from __future__ import annotations

import re

from account.refusal import Refusal

PROJECT = "streamflix"

# What may follow the environment's word: nothing, a path or port, a member, a copy, a number, a
# part that CloudFormation made up. `streamflix-x-dev2` is not dev's.
_TAIL = r"(?=$|[/:.]|-(?:[a-c]|[rq]\d+|\d+)(?:$|[-/:.])|-[A-Z])"


def stack_of(environment: str) -> str:
    return f"{PROJECT}-{environment}"


def is_ours(environment: str, name: str) -> bool:
    """Whether this environment made it; name, path, ARN or URL."""
    own = rf"(?:^|[^a-z0-9]){PROJECT}(?:-[a-z0-9]+)*-{re.escape(environment)}{_TAIL}"
    return re.search(own, name) is not None


def is_copy(environment: str, cluster: str) -> bool:
    """Whether it is a restored (`-r<n>`) or quarantined (`-q<n>`) cluster of this environment."""
    own = rf"{PROJECT}-aurora-{re.escape(environment)}-[rq]\d+"
    return re.fullmatch(own, cluster) is not None


def room_of(environment: str, name: str) -> str | None:
    """The room in a name: `analytics` in `/aws/lambda/streamflix-analytics-consume-dev`."""
    found = re.search(
        rf"{PROJECT}-([a-z0-9]+)(?:-[a-z0-9]+)*?-{re.escape(environment)}{_TAIL}", name
    )
    return found[1] if found else None


def require_room(rooms: dict[str, list[str]], room: str) -> list[str]:
    """What a room has. Raises: `Refusal` that lists the rooms."""
    if room not in rooms:
        known = ", ".join(sorted(rooms)) or "none yet: make deploy comes first"
        asked = f"There is no room {room!r}" if room else "Say which room: ROOM=…"
        raise Refusal(f"{asked}. Rooms: {known}.")
    return rooms[room]
