"""The API: what runs now, and what ran of a title. API Gateway has checked the caller's signature.

Everything here is a sum over everybody who watched; no answer knows a person.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types

from analytics import live, titles
from analytics.audience import Audience
from analytics.board import Board
from analytics.errors import BadQuestion, UnknownTitle
from analytics.recently import Recently
from analytics.settings import ShowSettings
from streamflix import log, settings
from streamflix.addresses import AddressBook
from streamflix.ca import CA_FILE
from streamflix.errors import Permanent, Retryable
from streamflix.postgres import Postgres
from streamflix.redis import Redis
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from streamflix.deadline import Context

logger = log.get("analytics")
app = APIGatewayRestResolver()

FRESH_SECONDS = 5
RETRY_SECONDS = 5
# API Gateway's callers wait: a query that is not over in a few seconds is over.
OPTIONS = "-c statement_timeout=5s -c lock_timeout=1s -c idle_in_transaction_session_timeout=10s"
ANSWER_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What the API works with. Answers are kept for as long as callers may keep them."""

    board: Board
    audience: Audience
    minute_days: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    recently: Recently = field(default_factory=lambda: Recently(FRESH_SECONDS, time.monotonic))


@cache
def desk(ca_file: Path = CA_FILE) -> Desk:
    env = settings.cached(ShowSettings)
    postgres = Postgres(
        AddressBook(env.address_book),
        "reader",
        Secret(env.database_secret_arn),
        application_name="streamflix-analytics-show",
        ca_file=ca_file,
        options=OPTIONS,
        answer_seconds=ANSWER_SECONDS,
    )
    redis = Redis(env.redis_host, env.redis_port, Secret(env.redis_secret_arn), ca_file=ca_file)
    return Desk(Board(postgres), Audience(redis), env.rollup_minute_days)


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Answer one call.

    Event: API Gateway's proxy event of `/analytics/live` and `/analytics/titles/{id}`, signed by
    the caller (IAM). Safe to repeat: it reads.
    """
    return app.resolve(dict(event), context)  # type: ignore[arg-type]


@app.get("/analytics/live")
def show_live() -> Response[str]:
    """What runs now. 200 whatever is away: what is unknown is null, and `degraded` names it."""
    at = desk()
    return _fresh(at.recently.get(("live",), lambda: _live(at)))


@app.get("/analytics/titles/<title_id>")
def show_title(title_id: str) -> Response[str]:
    """What ran of one title."""
    at = desk()
    given = dict(app.current_event.query_string_parameters or {})
    question = titles.ask(title_id, given, at.now(), at.minute_days)
    return _fresh(at.recently.get(question, lambda: _title(question, at)))


def _live(at: Desk) -> str:
    now = at.now()
    minute = live.last_complete_minute(now)
    try:
        rollup, lag = at.board.now(minute, now)
    except (Retryable, Permanent) as error:
        logger.warning("rollups are unknown", extra={"reason": f"{type(error).__name__}: {error}"})
        rollup, lag = None, None
    viewers = at.audience.count(live.keys(minute, rollup))
    return json.dumps(live.answer(now, rollup, viewers, lag), separators=(",", ":"))


def _title(question: titles.Question, at: Desk) -> str:
    points = at.board.points(question)
    if not points and question.is_first and not at.board.knows(question.title):
        raise UnknownTitle(question.title)
    return json.dumps(titles.answer(question, points), separators=(",", ":"))


@app.exception_handler(BadQuestion)  # type: ignore[untyped-decorator]
def _bad_question(error: BadQuestion) -> Response[str]:
    return _refuse(400, "BAD_QUESTION", str(error))


@app.exception_handler(UnknownTitle)  # type: ignore[untyped-decorator]
def _unknown_title(_: UnknownTitle) -> Response[str]:
    return _refuse(
        404, "UNKNOWN_TITLE", "No title has this id, and nothing was counted of it then."
    )


@app.exception_handler(Retryable)  # type: ignore[untyped-decorator]
def _not_now(error: Retryable) -> Response[str]:
    logger.warning("not now", extra={"reason": f"{type(error).__name__}: {error}"})
    again = {"Retry-After": str(RETRY_SECONDS)}
    return _refuse(503, "NOT_NOW", "The database does not answer: ask again in seconds.", again)


def _fresh(body: str) -> Response[str]:
    kept = {"Cache-Control": f"private, max-age={FRESH_SECONDS}"}
    return Response(200, content_types.APPLICATION_JSON, body, headers=kept)


def _refuse(
    code: int, error: str, message: str, headers: Mapping[str, str] | None = None
) -> Response[str]:
    """In the shape of the gateway's own refusals, with a sentence."""
    request = str(app.current_event.request_context.request_id or "")
    body = json.dumps({"error": error, "message": message, "requestId": request})
    told = {"Cache-Control": "no-store", **(headers or {})}
    return Response(code, content_types.APPLICATION_JSON, body, headers=told)
