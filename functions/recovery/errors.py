"""What can go wrong while recovery watches, in the words of whoever is called."""

from __future__ import annotations

from streamflix.errors import Permanent, Retryable


class RecordUnreachable(Retryable):
    """DynamoDB did not answer, or refused: what was measured is kept by nobody yet. The probe goes
    on; the next minute tries again. Look at DynamoDB's health and at the function's grants."""


class BadTask(Permanent):
    """The event is none of this function's. The schedule and the rules send the right ones; by
    hand: `make invoke ROOM=recovery`."""
