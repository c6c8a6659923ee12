"""What the rest of the platform hears: events on the ops bus, ids and numbers, nothing personal."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


def tell(bus: str, source: str, kind: str, detail: Mapping[str, Any]) -> None:
    """Put one event. A bus that is down stops nothing: ledgers and metrics tell as well."""
    from botocore.exceptions import BotoCoreError, ClientError

    entry = {
        "EventBusName": bus,
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps(dict(detail)),
    }
    try:
        answer = aws.client("events").put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as error:
        logger.warning("%s was not told: %s", kind, aws.reason(error))
        return
    if answer["FailedEntryCount"]:
        logger.warning("%s was not told: %s", kind, answer["Entries"][0].get("ErrorCode"))
