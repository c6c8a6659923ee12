"""The environment's key: what tombstones and the ledger's names for people are made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamflix import aws, fence
from streamflix.errors import KeyUnavailable

if TYPE_CHECKING:
    from uuid import UUID

    from privacy.ledger import Ledger


class Subjects:
    """Made once per environment, unwrapped once per process."""

    def __init__(self, ledger: Ledger, key_id: str, environment: str) -> None:
        self._ledger = ledger
        self._key_id = key_id
        self._environment = environment
        self._key = b""
        self._wrapped = b""

    @property
    def key(self) -> bytes:
        """Raises: `KeyUnavailable`, `LedgerUnreachable`."""
        self._load()
        return self._key

    @property
    def wrapped(self) -> bytes:
        """The same as KMS has wrapped it, for the fence. Raises as `key` does."""
        self._load()
        return self._wrapped

    def subject(self, account: UUID) -> str:
        """How the ledger names an account."""
        return fence.subject(self.key, account)

    def lock(self, kind: str, value: str) -> str:
        """The item that an open request about this identity holds."""
        return f"identity#{fence.name(self.key, f'{kind}:{value.lower()}')}"

    def _load(self) -> None:
        if self._key:
            return
        wrapped = self._ledger.subjects_key()
        if wrapped is None:
            self._ledger.put_subjects_key(self._make())
            wrapped = self._ledger.subjects_key()
        if wrapped is None:
            raise KeyUnavailable("the subjects' key was put, and is not there")
        self._key, self._wrapped = fence.unwrap(wrapped, self._environment), wrapped

    def _make(self) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = aws.client("kms").generate_data_key_without_plaintext(
                KeyId=self._key_id,
                KeySpec="AES_256",
                EncryptionContext=fence.context(self._environment),
            )
        except (BotoCoreError, ClientError) as error:
            raise KeyUnavailable(f"the subjects' key was not made: {aws.reason(error)}") from None
        wrapped: bytes = answer["CiphertextBlob"]
        return wrapped
