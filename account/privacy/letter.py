"""A request as a privacy officer writes it: whom, and how it is known who asks."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from account.refusal import Refusal

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

EXAMPLE = '{"email": "anna@viewer.example", "verified_by": "id_document"}'
IDENTITIES = ("controller_customer_id", "email")


def read(path: Path, domain: str, now: datetime) -> dict[str, Any]:
    """A whole OpenDSR request as it stands, or one made of a short form.

    Raises: `Refusal`, which never quotes the file.
    """
    if not str(path) or not path.is_file():
        raise Refusal(f"Say which request: FILE=request.json, a file such as {EXAMPLE}")
    try:
        content = json.loads(path.read_text())
    except ValueError:
        raise Refusal(f"{path} is not JSON; it may be as short as {EXAMPLE}") from None
    if isinstance(content, dict) and "subject_identities" in content:
        return content
    return _complete(content, path, domain, now)


def _complete(content: Any, path: Path, domain: str, now: datetime) -> dict[str, Any]:
    known = {*IDENTITIES, "verified_by", "subject_request_id"}
    fits = isinstance(content, dict) and set(content) <= known and "verified_by" in content
    if not fits or not set(content) & set(IDENTITIES):
        raise Refusal(
            f"{path} must say verified_by and {' or '.join(IDENTITIES)}, nothing else: {EXAMPLE}"
        )
    return {
        "regulation": "gdpr",
        "api_version": "2.0",
        "subject_request_id": content.get("subject_request_id", str(uuid.uuid4())),
        "subject_request_type": "erasure",
        "submitted_time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "subject_identities": [
            {"identity_type": kind, "identity_value": content[kind], "identity_format": "raw"}
            for kind in IDENTITIES
            if kind in content
        ],
        "extensions": {domain: {"verified_by": content["verified_by"]}},
    }
