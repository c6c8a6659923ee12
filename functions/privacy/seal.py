"""Identities, sealed with a key of each request that is destroyed when the request is done.

The wrapped keys lie in a table without backups: to delete one is to destroy it, and every copy of
what it sealed, backups of the ledger included, is noise from then on.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from privacy.errors import KeyDestroyed, LedgerUnreachable
from streamflix import aws
from streamflix.errors import KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is known of a person while a request is open. Its representation shows nothing."""

    identities: Mapping[str, str] = field(repr=False)
    """By type: controller_customer_id, email."""
    account: UUID | None = field(repr=False, default=None)
    members: tuple[UUID, ...] = field(repr=False, default=())

    def to_json(self) -> bytes:
        return json.dumps(
            {
                "identities": dict(self.identities),
                "account": str(self.account) if self.account else None,
                "members": [str(each) for each in self.members],
            }
        ).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Dossier:
        told = json.loads(content)
        return cls(
            told["identities"],
            UUID(told["account"]) if told["account"] else None,
            tuple(UUID(each) for each in told["members"]),
        )


class Seals:
    """Keys of requests, wrapped by KMS, in a table of their own."""

    def __init__(self, table: str, key_id: str, environment: str) -> None:
        self._table = table
        self._key_id = key_id
        self._environment = environment

    def seal(self, request: UUID, dossier: Dossier) -> bytes:
        """Encrypt a dossier, with the request's key or a new one.

        Raises: `KeyUnavailable`, `LedgerUnreachable`.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key(request) or self._make(request)
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, dossier.to_json(), request.bytes)

    def unseal(self, request: UUID, sealed: bytes) -> Dossier:
        """Raises: `KeyDestroyed`, `KeyUnavailable`, `LedgerUnreachable`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key(request)
        if key is None:
            raise KeyDestroyed("the request is done, or its key was deleted by hand")
        nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return Dossier.from_json(AESGCM(key).decrypt(nonce, content, request.bytes))

    def destroy(self, request: UUID) -> None:
        """Safe to repeat. Raises: `LedgerUnreachable`."""
        self._call("delete_item", Key={"request_id": {"S": str(request)}})

    def _make(self, request: UUID) -> bytes:
        """Two who make one at once end with the same: the first that was put."""
        kms = aws.client("kms")
        answer = _kms(
            kms.generate_data_key,
            KeyId=self._key_id,
            KeySpec="AES_256",
            EncryptionContext=self._context(request),
        )
        item = {
            "request_id": {"S": str(request)},
            "wrapped": {"B": answer["CiphertextBlob"]},
        }
        self._call(
            "put_item",
            Item=item,
            ConditionExpression="attribute_not_exists(request_id)",
            unless="ConditionalCheckFailedException",
        )
        key = self._key(request)
        if key is None:
            raise KeyDestroyed("the key was deleted as soon as it was made")
        return key

    def _key(self, request: UUID) -> bytes | None:
        answer = self._call(
            "get_item", Key={"request_id": {"S": str(request)}}, ConsistentRead=True
        )
        if "Item" not in answer:
            return None
        plain: bytes = _kms(
            aws.client("kms").decrypt,
            CiphertextBlob=answer["Item"]["wrapped"]["B"],
            EncryptionContext=self._context(request),
        )["Plaintext"]
        return plain

    def _context(self, request: UUID) -> dict[str, str]:
        return {
            "purpose": "privacy-request",
            "environment": self._environment,
            "request": str(request),
        }

    def _call(self, name: str, *, unless: str = "", **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(aws.client("dynamodb"), name)(TableName=self._table, **arguments)
        except (BotoCoreError, ClientError) as error:
            if unless and aws.reason(error) == unless:
                return {}
            raise LedgerUnreachable(f"table of keys: {aws.reason(error)}") from None


def _kms(act: Any, **arguments: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return act(**arguments)
    except (BotoCoreError, ClientError) as error:
        raise KeyUnavailable(f"a request's key: {aws.reason(error)}") from None
