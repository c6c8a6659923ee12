"""What can go wrong while recovery watches, in the words of whoever is called."""

from __future__ import annotations

from streamflix.errors import Permanent, Retryable


class RecordUnreachable(Retryable):
    """DynamoDB did not answer, or refused: what was measured is kept by nobody yet. The probe goes
    on; the next minute tries again. Look at DynamoDB's health and at the function's grants."""


class BadTask(Permanent):
    """The event is none of this function's. The schedule and the rules send the right ones; by
    hand: `make invoke ROOM=recovery`."""


class AwsRefused(Retryable):
    """AWS refused a call, or did not answer; the message has call and code. A capacity or a limit
    passes or is raised; AccessDenied is a grant that the last deploy took."""


class CopyNotReady(Retryable):
    """AWS is still making, changing or deleting the copy. The message says what; minutes are
    normal, and the workflow asks again."""


class CopyNotFenced(Permanent):
    """Somebody other than master may log in to the restored copy, and it could not be taken from
    them. It stays in quarantine and is deleted; nobody has been let in."""


class CopyIncomplete(Permanent):
    """The restored copy answers and is not whole: the message says what is missing. It does not
    take over, and is taken away."""


class RotationHalfway(Retryable):
    """A secret has a version that is pending: which password the copy must get is about to change.
    It ends within seconds, or the rotation's sweeper ends it within the hour."""


class NotConfirmed(Permanent):
    """What was asked for was not begun, and whatever was begun before is as it was. docs/cutover.md
    says what a cutover and an adoption need."""


class TakenBack(Permanent):
    """This run has failed, and what it had done is taken back. Begin another one."""


class Overtaken(Permanent):
    """This run is beyond this step: another execution of it went on. Nothing was done."""


class NotAdopted(Permanent):
    """An earlier cutover has not been adopted: the names of the stack still belong to the cluster
    that it replaced. Nothing was begun. `make adopt` takes minutes and comes first."""
