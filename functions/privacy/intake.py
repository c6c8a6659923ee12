"""A request comes in: durable before anybody is promised anything, and the same however often."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from privacy.errors import MovedMeanwhile, RequestDiffers, UnknownRequest
from privacy.record import Record, instant
from privacy.seal import Dossier

if TYPE_CHECKING:
    from privacy.ledger import Ledger
    from privacy.request import Request
    from privacy.seal import Seals
    from privacy.subjects import Subjects

# GDPR art. 12(3): one month, and no month is shorter.
ANSWER_WITHIN = timedelta(days=28)
ATTEMPTS = 5


def receive(
    request: Request,
    controller: str,
    ledger: Ledger,
    seals: Seals,
    subjects: Subjects,
    now: datetime,
) -> tuple[Record, bool]:
    """Put the request into the ledger unless it is there; return it, and whether it is new.

    Needs neither Aurora nor Redis: a request is taken while they are down.
    Raises: `RequestDiffers`, `AlreadyOpen`; `LedgerUnreachable`, `KeyUnavailable` (retryable).
    """
    if known := _known(request, ledger):
        return known, False
    record = Record(
        request=request.request,
        state="received",
        version=0,
        last_hash="",
        body_sha256=request.sha256,
        received_at=instant(now),
        expected_at=instant(now + ANSWER_WITHIN),
        controller=controller,
        verified_by=request.verified_by,
        sealed=seals.seal(request.request, Dossier(request.identities)),
        locks=tuple(subjects.lock(kind, value) for kind, value in request.identities.items()),
        callback_urls=request.callback_urls,
    )
    for _ in range(ATTEMPTS):
        try:
            return ledger.receive(record, {"verified_by": request.verified_by}), True
        except MovedMeanwhile:  # by the same call, sent twice at once
            if known := _known(request, ledger):
                return known, False
    raise MovedMeanwhile("received by many at once")


def _known(request: Request, ledger: Ledger) -> Record | None:
    try:
        record = ledger.read(request.request)
    except UnknownRequest:
        return None
    if record.body_sha256 != request.sha256:
        raise RequestDiffers(str(request.request))
    return record
