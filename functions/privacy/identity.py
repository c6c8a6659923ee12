"""Who is meant by the identities of a request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from privacy.errors import IdentityMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping


def account_of(identities: Mapping[str, str], found: Mapping[str, UUID | None]) -> UUID | None:
    """The one account that all identities mean; nothing for somebody whom nobody knows.

    `found` says which account the database has for each identity. An account that the database does
    not have any more may still have sessions, files and events on their way: its id is enough.
    Raises: `IdentityMismatch` when they mean two people, or one whom only some of them fit.
    """
    known = {account for account in found.values() if account is not None}
    if len(known) > 1 or (known and None in found.values()):
        raise IdentityMismatch("the identities do not mean one account")
    if known:
        return known.pop()
    told = identities.get("controller_customer_id")
    return UUID(told) if told else None
