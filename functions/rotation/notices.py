"""What the rest of the platform hears about a rotation: ids and numbers, never a credential."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


def tell(bus: str, kind: str, detail: Mapping[str, str], client: Any = None) -> None:
    """Put one event. A bus that is down must not fail a rotation: the metric tells as well."""
    from botocore.exceptions import BotoCoreError, ClientError

    entry = {
        "EventBusName": bus,
        "Source": "streamflix.rotation",
        "DetailType": kind,
        "Detail": json.dumps(dict(detail)),
    }
    try:
        answer = (client or aws.client("events")).put_events(Entries=[entry])
    except (BotoCoreError, ClientError) as error:
        logger.warning("%s was not told: %s", kind, aws.reason(error))
        return
    if answer["FailedEntryCount"]:
        logger.warning("%s was not told: %s", kind, answer["Entries"][0].get("ErrorCode"))
