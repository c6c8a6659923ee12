"""Logins from Secrets Manager, for processes that outlive a rotation."""

from __future__ import annotations

import json
import logging
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from streamflix import aws
from streamflix.errors import CredentialsRefused, SecretMalformed, SecretUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

T = TypeVar("T")

TTL_SECONDS = 300
# A rotation is noticed by every process at once: they ask again spread over this time, and a
# process whose password stays wrong asks no more often than this.
JITTER_SECONDS = 0.25
REREAD_SECONDS = 1.0

logger = logging.getLogger(__name__)


class SecretClient(Protocol):
    """The part of boto3's `secretsmanager` client that we use."""

    def get_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Login:
    """What a secret says about who logs in. Addresses are none of its business."""

    username: str
    password: str = field(repr=False)
    dbname: str | None = None

    @classmethod
    def from_json(cls, text: str) -> Login:
        """Raises: `SecretMalformed`, without a word of the secret."""
        try:
            secret = json.loads(text)
            return cls(secret["username"], secret["password"], secret.get("dbname"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SecretMalformed("not a JSON object with username and password") from None


class Secret:
    """One login, cached for `ttl_seconds`.

    While Secrets Manager is down the last value read stays in use: a password that still logs in
    is better than none.
    """

    def __init__(
        self,
        secret_id: str,
        *,
        client: SecretClient | None = None,
        ttl_seconds: float = TTL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._secret_id = secret_id
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._sleep = sleep
        self._login: Login | None = None
        self._stale_at = self._next_reread = float("-inf")

    def current(self) -> Login:
        """The login to try first. Raises: `SecretUnreadable`, `SecretMalformed`."""
        if self._login is None or self._clock() >= self._stale_at:
            try:
                self._keep(self._read("AWSCURRENT"))
            except SecretUnreadable as error:
                if self._login is None:
                    raise
                logger.warning("secret not refreshed", extra={"reason": str(error)})
                self._keep(self._login)
        assert self._login is not None  # noqa: S101  kept by the lines above
        return self._login

    def previous(self) -> Login | None:
        """What it said before its last rotation; nothing when it was never rotated.

        Raises: `SecretUnreadable`, `SecretMalformed`.
        """
        try:
            return self._read("AWSPREVIOUS")
        except _VersionAbsentError:
            return None

    def log_in(self, attempt: Callable[[Login], T]) -> T:
        """Run `attempt` with the login; when it raises `CredentialsRefused`, climb the ladder.

        A rotation may just have happened, or be halfway: the secret is read again once, then
        AWSCURRENT is tried, then AWSPENDING; the one that logs in stays in use.
        Raises: `CredentialsRefused` when all were refused or when the secret was read again less
        than a second ago; whatever else `attempt` raises.
        """
        login = self.current()
        try:
            return attempt(login)
        except CredentialsRefused:
            for candidate in self._candidates(refused=login):
                try:
                    result = attempt(candidate)
                except CredentialsRefused:
                    continue
                self._keep(candidate)
                return result
            raise

    def _candidates(self, refused: Login) -> Iterator[Login]:
        if self._clock() < self._next_reread:
            kept = self._login  # another thread may have read it meanwhile
            if kept is not None and kept != refused:
                yield kept
            return
        self._sleep(random.uniform(0, JITTER_SECONDS))  # noqa: S311  spreads load, guards nothing
        self._next_reread = self._clock() + REREAD_SECONDS
        current = self._read("AWSCURRENT")
        self._keep(current)
        if current != refused:
            yield current
        pending = self._pending()
        if pending not in {None, refused, current}:
            logger.warning("login by AWSPENDING: a rotation is halfway")
            yield pending

    def _keep(self, login: Login) -> None:
        self._login = login
        self._stale_at = self._clock() + self._ttl_seconds

    def _pending(self) -> Login | None:
        try:
            return self._read("AWSPENDING")
        except (SecretUnreadable, SecretMalformed):
            return None  # no rotation under way, or one that has not written its candidate yet

    def _read(self, stage: str) -> Login:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client: SecretClient = self._client or aws.client("secretsmanager")
            answer = client.get_secret_value(SecretId=self._secret_id, VersionStage=stage)
        except (BotoCoreError, ClientError) as error:
            reason = aws.reason(error)
            absent = reason == "ResourceNotFoundException"
            kind = _VersionAbsentError if absent else SecretUnreadable
            raise kind(f"{stage} not read: {reason}") from None
        return Login.from_json(answer.get("SecretString", ""))


class _VersionAbsentError(SecretUnreadable):
    """The secret has no version with this label, or is not there at all."""
