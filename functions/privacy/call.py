"""Lambda calls this with one message of the queue of callbacks at a time.

A failure leaves the message in the queue, which delivers it again every five minutes and gives up
after two hours into the queue of dead letters.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from privacy import audit, callback
from privacy.ledger import Ledger
from privacy.receipt import Signer
from privacy.record import instant
from privacy.settings import CallSettings
from streamflix import log, settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from privacy.record import Record
    from streamflix.deadline import Context

logger = log.get("privacy")

VERSION = "2.0"


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> None:  # noqa: ARG001
    """Tell one address of one change of status.

    Event: ``{"Records": [{"body": '{"request", "status", "sequence", "callback"}'}]}``.
    Raises: `CallbackRefused`, `LedgerUnreachable`, `KeyUnavailable` (the message comes again).
    Safe to repeat: whoever is told twice sees the same sequence.
    """
    env = settings.cached(CallSettings)
    ledger, signer = _doors(env)
    for each in event["Records"]:
        message = json.loads(each["body"])
        record = ledger.read(UUID(message["request"]))
        url = record.callback_urls[message["callback"]]
        body = _body(record, message, url, env.domain)
        callback.send(
            url,
            body,
            {
                "Content-Type": "application/json",
                "X-OpenDSR-Processor-Domain": env.domain,
                "X-OpenDSR-Signature": signer.sign(body),
            },
        )
        logger.info(
            "told",
            extra={"request": str(record.request), "sequence": message["sequence"]},
        )


def _body(record: Record, message: Mapping[str, Any], url: str, domain: str) -> bytes:
    """The specification's, with what keeps an old message from being taken for a new one."""
    return audit.canonical(
        {
            "controller_id": record.controller,
            "expected_completion_time": record.expected_at,
            "status_callback_url": url,
            "subject_request_id": str(record.request),
            "request_status": message["status"],
            "api_version": VERSION,
            "extensions": {
                domain: {
                    "sequence": message["sequence"],
                    "sent_at": instant(datetime.now(UTC)),
                }
            },
        }
    )


@cache
def _doors(env: CallSettings) -> tuple[Ledger, Signer]:
    return Ledger(env.ledger_table), Signer(env.signing_key_arn)
