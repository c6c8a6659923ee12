"""The API: OpenDSR 2.0 for erasure. API Gateway has checked the caller's signature.

Every answer is signed over its very bytes. No answer repeats an identity, except `encoded_request`,
which the specification wants.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types

from privacy import erasure, intake, plan, request
from privacy.audit import canonical
from privacy.callers import Callers, role_of
from privacy.doors import open_doors
from privacy.errors import (
    AlreadyOpen,
    Closed,
    IdentityMismatch,
    IllegalMove,
    InvalidRequest,
    KeyDestroyed,
    NotAllowed,
    RequestDiffers,
    UnknownRequest,
)
from privacy.request import Complaint, Rules
from privacy.settings import ApiSettings, Settings
from privacy.states import STATUS, is_open
from privacy.workflow import Workflow
from streamflix import log, settings
from streamflix.errors import Permanent, Retryable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from privacy.callers import Caller
    from privacy.erasure import Doors
    from privacy.record import Record
    from streamflix.deadline import Context

logger = log.get("privacy")
app = APIGatewayRestResolver()

VERSION = "2.0"
RETRY_SECONDS = 5
_NOT_SIGNED = '{"error":{"code":503,"errors":[],"message":"try again in a few seconds"}}'


@dataclass(frozen=True, slots=True)
class Desk:
    """What the API works with."""

    env: ApiSettings
    doors: Doors
    callers: Callers
    workflow: Workflow


@cache
def desk() -> Desk:
    env = settings.cached(ApiSettings)
    return Desk(
        env,
        open_doors(settings.cached(Settings)),
        Callers(env.callers_parameter),
        Workflow(env.state_machine_arn),
    )


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Answer one call.

    Event: API Gateway's proxy event of `/v2/discovery`, `/v2/requests`, `/v2/requests/{id}`,
    `/v2/requests/{id}/plan` and `/v2/requests/{id}/receipt`, signed by the caller (IAM).
    Safe to repeat: a request with the same id and body gets the same answer, byte by byte.
    """
    try:
        return app.resolve(dict(event), context)  # type: ignore[arg-type]
    finally:
        desk().doors.rest()


@app.get("/v2/discovery")
def discovery() -> Response[str]:
    """What we understand, and how our signatures are checked."""
    at = desk()
    return _answer(
        200,
        {
            "api_version": VERSION,
            "supported_identities": [
                {"identity_type": kind, "identity_format": "raw"} for kind in request.IDENTITY_TYPES
            ],
            "supported_subject_request_types": list(request.REQUEST_TYPES),
            "processor_certificate": at.env.certificate_url or None,
            "extensions": {at.env.domain: {"public_key": at.doors.signer.public_key_pem()}},
        },
    )


@app.post("/v2/requests")
def post() -> Response[str]:
    """Take a request. 201 once it is durable."""
    at, caller = desk(), _caller()
    now = datetime.now(UTC)
    body = (app.current_event.decoded_body or "").encode()
    asked = request.parse(body, _rules(at, caller), now)
    doors = at.doors
    record, new = intake.receive(asked, _arn(), doors.ledger, doors.seals, doors.subjects, now)
    if record.controller != _arn():  # somebody else's id: who it is about is none of his business
        raise RequestDiffers(str(asked.request))
    if new:
        _begin(record, at)
    return _answer(
        201,
        {
            "controller_id": record.controller,
            "expected_completion_time": record.expected_at,
            "received_time": record.received_at,
            "encoded_request": asked.encoded,
            "subject_request_id": str(record.request),
        },
    )


@app.get("/v2/requests/<request_id>")
def read(request_id: str) -> Response[str]:
    """How far a request is."""
    at = desk()
    record = _own(request_id, at)
    about: dict[str, Any] = {"state": record.state}
    if record.reason:
        about["reason_code"] = record.reason
    if record.state == "completed":
        about["receipt_path"] = f"/v2/requests/{record.request}/receipt"
    return _answer(
        200,
        {
            "controller_id": record.controller,
            "expected_completion_time": record.expected_at,
            "subject_request_id": str(record.request),
            "request_status": STATUS[record.state],
            "api_version": VERSION,
            "extensions": {at.env.domain: about},
        },
    )


@app.delete("/v2/requests/<request_id>")
def withdraw(request_id: str) -> Response[str]:
    """Cancel a request that is still pending."""
    at = desk()
    record = _own(request_id, at)
    if record.state != "cancelled":
        record = erasure.cancel(record, at.doors, "withdrawn")
    erasure.close(record, at.doors)  # the workflow does as well, when it wakes up
    return _answer(
        202,
        {
            "controller_id": record.controller,
            "received_time": record.received_at,
            "subject_request_id": str(record.request),
            "api_version": VERSION,
        },
    )


@app.get("/v2/requests/<request_id>/plan")
def show_plan(request_id: str) -> Response[str]:
    """What would be erased and what retained, counted now."""
    at = desk()
    record = _own(request_id, at)
    if not is_open(record.state):
        raise Closed(f"the request is {record.state}")
    return _answer(
        200,
        {
            "subject_request_id": str(record.request),
            "map_sha256": at.doors.data_map.sha256,
            "plan": plan.preview(record, at.doors),
        },
    )


@app.get("/v2/requests/<request_id>/receipt")
def show_receipt(request_id: str) -> Response[str]:
    """The signed receipt of a request that is completed."""
    at = desk()
    record = _own(request_id, at)
    receipt = at.doors.ledger.receipt(record.request) if record.state == "completed" else None
    if receipt is None:
        raise (
            Closed("the request has no receipt yet")
            if is_open(record.state)
            else Closed(f"the request is {record.state} and has no receipt")
        )
    return _signed(200, receipt)


@app.exception_handler(InvalidRequest)  # type: ignore[untyped-decorator]
def _invalid(error: InvalidRequest) -> Response[str]:
    return _refuse(400, "the request is not valid", error.complaints)


@app.exception_handler(Permanent)  # type: ignore[untyped-decorator]
def _permanent(error: Permanent) -> Response[str]:
    code, reason, message = _REFUSALS.get(type(error), (409, "blocked", _BLOCKED))
    if code == 409 and reason == "blocked":
        logger.error("blocked", extra={"reason": f"{type(error).__name__}: {error}"})
    told = message.format(error=error)
    return _refuse(code, told, [Complaint("", reason, told)])


@app.exception_handler(Retryable)  # type: ignore[untyped-decorator]
def _retryable(error: Retryable) -> Response[str]:
    logger.warning("not now", extra={"reason": f"{type(error).__name__}: {error}"})
    return _refuse(503, "try again in a few seconds", [], {"Retry-After": str(RETRY_SECONDS)})


_BLOCKED = "an operator must look at this first; the request is kept"
_REFUSALS: Mapping[type[Permanent], tuple[int, str, str]] = {
    UnknownRequest: (404, "unknown_request", "you have no request of this id"),
    NotAllowed: (403, "not_allowed", "{error}"),
    RequestDiffers: (409, "id_in_use", "this id was received with another body; use a new one"),
    AlreadyOpen: (409, "already_open", "request {error} about the same person is not done yet"),
    IllegalMove: (409, "too_late", "the request is no longer pending and cannot be cancelled"),
    Closed: (409, "closed", "{error}"),
    IdentityMismatch: (409, "identity_mismatch", "{error}"),
    KeyDestroyed: (409, "closed", "the request was closed a moment ago"),
}


def _begin(record: Record, at: Desk) -> None:
    """Start the workflow; whoever looks after open requests does when this could not."""
    try:
        at.workflow.start(record)
        at.doors.teller.moved(record)
    except Retryable as error:
        logger.warning("not begun yet", extra={"reason": f"{type(error).__name__}: {error}"})


def _arn() -> str:
    return role_of(str(app.current_event.request_context.identity.user_arn or ""))


def _caller() -> Caller:
    caller = desk().callers.find(_arn())
    if not set(caller.request_types) & set(request.REQUEST_TYPES):
        raise NotAllowed("this caller may ask for nothing that we do")
    return caller


def _rules(at: Desk, caller: Caller) -> Rules:
    return Rules(at.env.domain, caller.verified_by, at.callers.document().callback_hosts)


def _own(request_id: str, at: Desk) -> Record:
    """A request of the caller's; others do not exist for it."""
    at.callers.find(_arn())
    try:
        identifier = UUID(request_id)
    except ValueError:
        raise UnknownRequest("no id") from None
    record = at.doors.ledger.read(identifier)
    if record.controller != _arn():
        raise UnknownRequest("another caller's")
    return record


def _answer(code: int, body: Mapping[str, Any]) -> Response[str]:
    return _signed(code, canonical(body).decode())


def _refuse(
    code: int, message: str, complaints: Any, headers: Mapping[str, str] | None = None
) -> Response[str]:
    errors = [
        {
            "domain": each.field or "request",
            "reason": each.reason,
            "message": f"{each.field} {each.message}".strip(),
        }
        for each in complaints
    ]
    body = {"error": {"code": code, "message": message, "errors": errors}}
    return _signed(code, canonical(body).decode(), headers)


def _signed(code: int, body: str, headers: Mapping[str, str] | None = None) -> Response[str]:
    at = desk()
    try:
        signature = {"X-OpenDSR-Signature": at.doors.signer.sign(body.encode())}
    except Retryable as error:  # what cannot be signed can still say "not now"
        logger.warning("not signed", extra={"reason": f"{type(error).__name__}: {error}"})
        code, body, signature = 503, _NOT_SIGNED, {}
    return Response(
        code,
        content_types.APPLICATION_JSON,
        body,
        headers={
            "X-OpenDSR-Processor-Domain": at.env.domain,
            "Cache-Control": "no-store",
            **signature,
            **(headers or {}),
        },
    )
