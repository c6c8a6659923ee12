"""The fence: whoever writes a row about a person looks here first whether the person is erased.

A writer shares an advisory lock as the first statement of its transaction; an eraser takes it alone
for the short transaction that puts tombstones. When that has committed, every transaction that had
not seen them has ended. One lock for all: one per person would fill the server's lock table.

A tombstone is the BLAKE2b of an id under the environment's key, which the consumer computes four
times faster than an HMAC-SHA256. KMS has wrapped that key, a process unwraps it once: neither
a dump of the database nor a restored copy of it tells who was erased, not even to who has
a list of ids.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from streamflix import aws
from streamflix.errors import EpochMoved, KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from uuid import UUID

    import psycopg2.extensions as pg

    from streamflix.addresses import Book
    from streamflix.postgres import Postgres

LOCK = 0x46_45_4E_43_45  # "FENCE"
MARK_BYTES = 16

# Statements of their own, so that what follows them sees what was committed before they returned.
SHARED = f"SELECT pg_advisory_xact_lock_shared({LOCK});"
# Writers queue behind whoever waits to be alone: it gives up before they notice, before PostgreSQL
# looks for a deadlock and takes one of them for its victim, and when its process has died.
ALONE = (
    "SET LOCAL lock_timeout = '800ms'; SET LOCAL idle_in_transaction_session_timeout = '2s';"
    f"SELECT pg_advisory_xact_lock({LOCK});"
)

_EPOCHS = (
    "SELECT life.epoch, fence.epoch, life.recounting FROM ops.epoch AS life, privacy.fence AS fence"
)
_NEWER = "SELECT mark FROM privacy.tombstone WHERE epoch > %s"
_KEY = "SELECT wrapped_key FROM privacy.fence"


class Epoch(NamedTuple):
    """How far the tombstones are, and in which life of the database: a restored copy counts on from
    an earlier number, and comes to one that the life before it had for less."""

    life: int
    tombstones: int
    recounting: bool = False
    """Whether this life still counts what a restore took back: nobody else may count then."""


def name(key: bytes, text: str) -> str:
    """How the ledger names anything else that would tell who somebody is."""
    return hmac.digest(key, text.encode(), "sha256").hex()


@contextmanager
def transaction(
    book: Book, postgres: Postgres, lock: str = ""
) -> Iterator[tuple[pg.cursor, Epoch]]:
    """A transaction on the database that the address book means, and the tombstones' epoch in it.

    `lock` is `SHARED` for who writes about persons, `ALONE` for who puts tombstones.
    Raises: `EpochMoved` while a restored copy is not released; what `postgres.transaction` does.
    """
    expected = book.epoch()
    with postgres.transaction() as cursor:
        cursor.execute(lock + _EPOCHS)
        life, tombstones, recounting = cursor.fetchone() or (None, 0, False)
        if life == expected:
            yield cursor, Epoch(life, tombstones, recounting)
            return
    postgres.forget()  # the next look may find a new address and epoch
    raise EpochMoved(f"the address book says {expected}, the database {life}")


class KeyClient(Protocol):
    """The part of boto3's `kms` client that we use."""

    def decrypt(
        self,
        *,
        CiphertextBlob: bytes,  # noqa: N803
        EncryptionContext: dict[str, str],  # noqa: N803
    ) -> Any: ...


def mark(key: bytes, identifier: UUID) -> bytes:
    """What stands for an id: 16 bytes that nobody can turn back, or compute without the key."""
    marked = _marking(key)
    marked.update(identifier.bytes)
    return marked.digest()


def marker(key: bytes) -> Callable[[bytes], bytes]:
    """As `mark`, for whoever marks millions: of an id's bytes, without keying the hash anew."""
    marking = _marking(key)

    def marked(identifier: bytes) -> bytes:
        made = marking.copy()
        made.update(identifier)
        return made.digest()

    return marked


def _marking(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=MARK_BYTES, key=key, person=b"tombstone")


def subject(key: bytes, identifier: UUID) -> str:
    """How the ledger names an account: the whole HMAC, in hex."""
    return hmac.digest(key, identifier.bytes, "sha256").hex()


def context(environment: str) -> dict[str, str]:
    """KMS unwraps the key for nobody who does not say what it is for."""
    return {"purpose": "privacy-subjects", "environment": environment}


def unwrap(wrapped: bytes, environment: str, client: KeyClient | None = None) -> bytes:
    """Raises: `KeyUnavailable`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        kms: KeyClient = client or aws.client("kms")
        answer = kms.decrypt(CiphertextBlob=wrapped, EncryptionContext=context(environment))
    except (BotoCoreError, ClientError) as error:
        raise KeyUnavailable(f"subjects' key not unwrapped: {aws.reason(error)}") from None
    key: bytes = answer["Plaintext"]
    return key


class Tombstones:
    """Every tombstone of the database, kept by a process and completed when the epoch moves."""

    def __init__(self, unwrap: Callable[[bytes], bytes]) -> None:
        self._unwrap = unwrap
        self._marking: hashlib.blake2b | None = None
        self._epoch = Epoch(0, 0)
        self._marks: set[bytes] = set()

    def refresh(self, cursor: pg.cursor, epoch: Epoch) -> None:
        """Bring it to the epoch that this transaction has read behind the fence.

        Another life, or an epoch that went back, is another database: everything is read anew.
        Raises: `KeyUnavailable`, and what the driver raises.
        """
        epoch = epoch._replace(recounting=False)  # tombstones have nothing to do with it
        if epoch.life != self._epoch.life or epoch.tombstones < self._epoch.tombstones:
            self._epoch, self._marking = Epoch(epoch.life, 0), None
            self._marks.clear()
        if epoch == self._epoch:
            return
        if self._marking is None:
            cursor.execute(_KEY)
            row = cursor.fetchone()
            assert row is not None  # noqa: S101  the table has one row, and an epoch beyond 0 a key
            self._marking = _marking(self._unwrap(bytes(row[0])))
        cursor.execute(_NEWER, (self._epoch.tombstones,))
        self._marks.update(bytes(row[0]) for row in cursor.fetchall())
        self._epoch = epoch

    def hold(self, identifiers: Iterable[bytes]) -> bool:
        """Whether one of these, the 16 bytes of a UUID each, is of somebody who is erased."""
        if self._marking is None:
            return False
        for identifier in identifiers:  # as `mark` does, without keying the hash anew
            marked = self._marking.copy()
            marked.update(identifier)
            if marked.digest() in self._marks:
                return True
        return False
