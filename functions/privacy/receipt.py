"""The receipt: what was erased, what stays by which law, and until when backups still hold it.

Canonical JSON, signed by a key that never leaves KMS. Whoever has the public key can check it
without asking us.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from privacy import audit
from streamflix import aws
from streamflix.errors import KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from privacy.data_map import DataMap
    from privacy.database import Effect
    from privacy.record import Record

PEM_CHARS = 64
ALGORITHM = "RSASSA_PKCS1_V1_5_SHA_256"


class Signer:
    """RSA in KMS, as OpenDSR wants it: PKCS #1 v1.5 over the SHA-256 of the bytes."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id

    def sign(self, content: bytes) -> str:
        """In base64; the same for the same bytes. Raises: `KeyUnavailable`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = aws.client("kms").sign(
                KeyId=self._key_id,
                Message=hashlib.sha256(content).digest(),
                MessageType="DIGEST",
                SigningAlgorithm=ALGORITHM,
            )
        except (BotoCoreError, ClientError) as error:
            raise KeyUnavailable(f"not signed: {aws.reason(error)}") from None
        return base64.b64encode(answer["Signature"]).decode()

    def public_key_pem(self) -> str:
        """As KMS publishes it. Raises: `KeyUnavailable`."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = aws.client("kms").get_public_key(KeyId=self._key_id)
        except (BotoCoreError, ClientError) as error:
            raise KeyUnavailable(f"public key not read: {aws.reason(error)}") from None
        text = base64.b64encode(answer["PublicKey"]).decode()
        lines = [text[n : n + PEM_CHARS] for n in range(0, len(text), PEM_CHARS)]
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def write(
    record: Record,
    effects: Sequence[Effect],
    data_map: DataMap,
    *,
    completed_at: str,
    backups_expire_on: str,
    code_sha256: str,
) -> dict[str, Any]:
    """The content of a receipt: ids of the request, counts and dates, nobody's identity.

    Of the same shape for somebody whom no store knows: it tells nobody who is a customer.
    """
    erased, retained = _rows(effects, data_map)
    return {
        "version": 1,
        "subject_request_id": str(record.request),
        "subject": record.subject,
        "received_time": record.received_at,
        "verified_by": record.verified_by,
        "completed_time": completed_at,
        "map_sha256": data_map.sha256,
        "erased": {
            **erased,
            "redis": record.counts.get("redis", 0) + record.counts.get("redis_late", 0),
            "files": record.counts.get("files", 0),
        },
        "retained": retained,
        "verification": {"verified_time": record.verified_at, "remains": 0},
        "backups_expire_on": backups_expire_on,
        "history_sha256": record.last_hash,
        "code_sha256": code_sha256,
    }


def write_replay(
    restore: Mapping[str, str],
    counts: Mapping[str, int],
    effects: Sequence[Effect],
    data_map: DataMap,
    *,
    verified_at: str,
    schema_version: int,
    code_sha256: str,
) -> dict[str, Any]:
    """The content of the receipt of a replay: every erasure was repeated in a restored copy.

    `restore` is the run, its mode and the point in time; `counts` are of requests, tombstones and
    accounts. Nobody's id, not even a pseudonym.
    """
    erased, retained = _rows(effects, data_map)
    return {
        "version": 1,
        **restore,
        **counts,
        "map_sha256": data_map.sha256,
        "schema_version": schema_version,
        "erased": erased,
        "retained": retained,
        "verification": {"verified_time": verified_at, "remains": 0},
        "code_sha256": code_sha256,
    }


def _rows(
    effects: Sequence[Effect], data_map: DataMap
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """What went, by table, and what stays by which law; zeros where there was nothing."""
    rows = {each.relation: each.rows for each in effects}
    erased = {
        table: rows.get(table, 0)
        for table, what in data_map.personal.items()
        if what.action == "delete"
    }
    retained = [
        {
            "from": table,
            "into": what.into,
            "rows": rows.get(table, 0),
            "legal_basis": what.legal_basis,
            "anonymised": True,
        }
        for table, what in data_map.personal.items()
        if what.action == "retain"
    ]
    return erased, retained


def sign(content: Mapping[str, Any], signer: Signer) -> str:
    """The receipt as it is kept and handed out: the canonical JSON, as text, with its signature."""
    text = audit.canonical(content)
    return json.dumps(
        {"receipt": text.decode(), "algorithm": ALGORITHM, "signature": signer.sign(text)},
        sort_keys=True,
        indent=2,
    )
