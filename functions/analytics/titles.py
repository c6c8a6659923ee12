"""What is asked about one title: reading the question, and shaping the answer. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from analytics.errors import BadQuestion
from analytics.live import Sums, instant

if TYPE_CHECKING:
    from collections.abc import Mapping

Grain = Literal["minute", "hour"]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a grain may be asked for."""

    step: timedelta
    usual: timedelta
    widest: timedelta
    points: int
    """In one page."""


MEASURES: dict[Grain, Measure] = {
    "minute": Measure(timedelta(minutes=1), timedelta(hours=1), timedelta(days=7), 720),
    "hour": Measure(timedelta(hours=1), timedelta(days=1), timedelta(days=92), 168),
}
_GRAINS: dict[str, Grain] = {grain: grain for grain in MEASURES}
PARAMETERS = {"by", "from", "to", "next"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TITLE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_NOT_OURS = "next is not one of ours: take it from the last answer, or ask anew without it."


@dataclass(frozen=True, slots=True)
class Question:
    """One page of a title's counts: from `at` on, of the time from `start` to before `end`.

    All three stand at the beginning of a minute or hour.
    """

    title: str
    by: Grain
    start: datetime
    end: datetime
    at: datetime

    @property
    def page_end(self) -> datetime:
        """Where this page ends, and the next one begins unless it is `end`."""
        measure = MEASURES[self.by]
        return self.at + min(self.end - self.at, measure.step * measure.points)

    @property
    def is_first(self) -> bool:
        return self.at == self.start


def ask(title: str, given: Mapping[str, str], now: datetime, minute_days: int) -> Question:
    """Read a question. `minute_days`: for how long counts by minute are kept.

    Raises: `BadQuestion`, whose sentence says what to send and repeats nothing of what was sent.
    """
    if not _TITLE.fullmatch(title):
        raise BadQuestion("Name the title by its id: up to 64 letters, digits, - and _.")
    if not set(given) <= PARAMETERS or ("next" in given and len(given) > 1):
        raise BadQuestion("Send by, from and to, or next alone.")
    if "next" in given:
        return _resume(title, given["next"], now)
    by = _GRAINS.get(given.get("by", "minute"))
    if by is None:
        raise BadQuestion("by is minute or hour.")
    measure = MEASURES[by]
    end = _ceil(min(_instant("to", given["to"]) if "to" in given else now, now), measure.step)
    start = _instant("from", given["from"]) if "from" in given else end - measure.usual
    start = _floor(start, measure.step)
    if start >= end:
        raise BadQuestion("from must be before to, and not in the future.")
    if end - start > measure.widest:
        raise BadQuestion(f"One question by={by} spans at most {measure.widest.days} days.")
    if by == "minute" and start < now - timedelta(days=minute_days):
        raise BadQuestion(f"Minutes are kept for {minute_days} days: ask by=hour.")
    return Question(title, by, start, end, start)


def answer(question: Question, points: Mapping[datetime, Sums]) -> dict[str, Any]:
    """One answer of `GET /analytics/titles/{id}`, as openapi.yaml describes it.

    A minute or hour that has no point had no event.
    """
    told: dict[str, Any] = {
        "title_id": question.title,
        "by": question.by,
        "from": instant(question.start),
        "to": instant(question.end),
        "points": [{"at": instant(at), **sums.told()} for at, sums in sorted(points.items())],
    }
    if question.page_end < question.end:
        told["next"] = _cursor(replace(question, at=question.page_end))
    return told


def _cursor(question: Question) -> str:
    places = [_minutes(each) for each in (question.start, question.end, question.at)]
    text = json.dumps([question.title, question.by, *places], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _resume(title: str, cursor: str, now: datetime) -> Question:
    """Whoever writes a cursor himself gets no longer a time than he could have asked for. Minutes
    that have gone meanwhile are not refused: an answer that was begun may be read to its end."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, by, *places = json.loads(base64.b64decode(padded, b"-_", validate=True))
        start, end, at = (_EPOCH + timedelta(minutes=_whole(each)) for each in places)
        grain = _GRAINS[by]
        measure = MEASURES[grain]
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError, binascii.Error):
        raise BadQuestion(_NOT_OURS) from None
    aligned = all(_floor(each, measure.step) == each for each in (start, end, at))
    ordered = _EPOCH <= start <= at < end <= _ceil(now, measure.step)
    if name != title or not aligned or not ordered or end - start > measure.widest:
        raise BadQuestion(_NOT_OURS)
    return Question(title, grain, start, end, at)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _instant(name: str, text: str) -> datetime:
    wrong = BadQuestion(f"{name} is a time as in RFC 3339, such as 2026-11-30T12:00:00Z.")
    if not _INSTANT.fullmatch(text):
        raise wrong
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # the 30th of February; before the year 1
        raise wrong from None
    if moment < _EPOCH + max(measure.widest for measure in MEASURES.values()):
        raise wrong
    return moment


def _floor(moment: datetime, step: timedelta) -> datetime:
    return moment - (moment - _EPOCH) % step


def _ceil(moment: datetime, step: timedelta) -> datetime:
    return moment + (_EPOCH - moment) % step


def _minutes(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(minutes=1)
