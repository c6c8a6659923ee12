"""What can go wrong with an erasure, in the words of whoever is called.

No message carries an identity, an id of an account, a profile or a device, or a value out of a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamflix.errors import Permanent, Retryable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from privacy.request import Complaint


class BadDataMap(Permanent):
    """The data map contradicts itself. Nothing was erased. Correct functions/privacy/data_map.yaml;
    `make lint` says the same before a deploy."""


class DataMapDrifted(Permanent):
    """A store holds something that the data map does not name, or lacks something that it does: an
    erasure now could miss it. Nothing was erased. Add it to functions/privacy/data_map.yaml with
    its category and action, deploy, and resume the request. Runbook erasure-drifted."""


class RowsInTheWay(Retryable):
    """A row that points at the person appeared between two statements, or another transaction held
    its rows. What was begun is rolled back; the next attempt sees it."""


class FilesUnreachable(Retryable):
    """The file system is not mounted or did not answer. Nothing was counted as gone. Look at the
    mount targets and at the function's access point."""


class OutOfTime(Retryable):
    """This invocation's time is used up. What it has done stays done; the next one goes on."""


class RemainsPersist(Permanent):
    """The verification found data of the person again and again. Some writer ignores the fence, or
    the eraser does not reach it; the event says where it was found. Runbook erasure-failed."""


class BadStep(Permanent):
    """The event is not the workflow's. Start the workflow, not the function."""


class OutOfOrder(Permanent):
    """A step was asked for that this request's state does not lead to. Start the workflow again: it
    begins at the state where the request is."""


class SentBack(OutOfOrder):
    """The request is fenced again, because a restored copy took the place of the database that it
    was erased from. The workflow goes on from the fence by itself."""


class TargetTooOld(Permanent):
    """The point in time lies further back than tombstones live. Nothing was written: restore a
    later one, or leave the copy without logins."""


class ReplayIncomplete(Permanent):
    """Somebody who is erased is still in the restored copy after a replay; the message says where.
    Nobody may log in to it. Run the replay again; if it says the same, the eraser has a defect."""


class StatisticsKept(Retryable):
    """PostgreSQL did not forget values of the person: ANALYZE warned or its result still shows
    them. Is app.forget_statistics owned by the owner of the tables? Runbook erasure-failed."""


class IdentityMismatch(Permanent):
    """The identities mean two people, or one whom only some of them fit. Nothing was touched; the
    controller must ask again with identities of one account."""


class IllegalMove(Permanent):
    """A request cannot go from its state to that one. Nothing was changed; somebody else was
    faster, or a step ran out of order."""


class MovedMeanwhile(Retryable):
    """Somebody else moved the request between our look at it and our move. The next attempt looks
    again."""


class UnknownRequest(Permanent):
    """No request has this id."""


class RequestDiffers(Permanent):
    """This id was received before with another body. A new request needs a new id."""


class AlreadyOpen(Permanent):
    """Another request about the same person is not done yet; the message says which."""


class LedgerUnreachable(Retryable):
    """DynamoDB did not answer, or refused. Nothing was promised to anybody; look at its health and
    at the function's grants."""


class QueueUnreachable(Retryable):
    """The queue of callbacks took no message. The request has moved; the step that was to tell of
    it is tried again."""


class KeyDestroyed(Permanent):
    """The key of a request is gone, and with it who the request was about. Right for a request that
    is done; for an open one somebody deleted it, and it must be posted again."""


class InvalidRequest(Permanent):
    """What was sent is no request that we can take. Nothing of it was kept; the complaints say what
    would be right."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("; ".join(f"{each.field} {each.message}" for each in complaints))
        self.complaints = complaints


class NotAllowed(Permanent):
    """The caller's signature is good, but the list of callers does not let it do this. Who may do
    what stands in Parameter Store; docs/privacy.md says how."""


class CallbackRefused(Retryable):
    """Whoever asked to be called did not take the call: the message says why. It is tried again for
    two hours; then its dead letter is an alarm. Runbook callbacks-undelivered."""


class CallersUnreadable(Retryable):
    """The list of callers could not be read, or is not what docs/privacy.md describes. Nobody may
    ask for anything until it is."""


class WorkflowUnreachable(Retryable):
    """Step Functions did not answer. The request is kept; the workflow is started within minutes by
    whoever looks after open requests."""


class Closed(Permanent):
    """The request is done or cancelled; who it was about is not known any more."""
