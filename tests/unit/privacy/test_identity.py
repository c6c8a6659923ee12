"""Identities mean one account, or nobody is erased."""

from __future__ import annotations

import uuid

import pytest

from privacy.errors import IdentityMismatch
from privacy.identity import account_of

ANNA, BERT = uuid.uuid4(), uuid.uuid4()
ID, EMAIL = "controller_customer_id", "email"


@pytest.mark.parametrize(
    ("identities", "found", "expected"),
    [
        ({EMAIL: "a"}, {EMAIL: ANNA}, ANNA),
        ({EMAIL: "a"}, {EMAIL: None}, None),
        ({ID: str(ANNA), EMAIL: "a"}, {ID: ANNA, EMAIL: ANNA}, ANNA),
        ({ID: str(ANNA)}, {ID: None}, ANNA),
        ({ID: str(ANNA), EMAIL: "a"}, {ID: None, EMAIL: None}, ANNA),
    ],
)
def test_what_fits_is_one_account(identities, found, expected) -> None:
    assert account_of(identities, found) == expected


@pytest.mark.parametrize("found", [{ID: ANNA, EMAIL: BERT}, {ID: ANNA, EMAIL: None}])
def test_what_fits_by_half_is_nobody(found) -> None:
    with pytest.raises(IdentityMismatch):
        account_of({ID: str(ANNA), EMAIL: "a"}, found)
