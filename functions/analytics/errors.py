"""What can go wrong in this room alone. What is wrong with an event is no error but a pointer."""

from streamflix.errors import Permanent, Retryable


class RejectsUnreachable(Retryable):
    """The queue of rejected records takes no message. Nothing was counted: a pointer is on record
    before the rest of its batch is. Look at SQS, the queue's policy and its key."""


class StreamUnreachable(Retryable):
    """Kinesis did not answer, or refused to be read. What was counted stays counted; the next call
    goes on from there. Look at the function's grants, at StreamKey and at who else reads."""


class MalformedInvocation(Permanent):
    """This is no batch of one Kinesis shard. Somebody invoked the consumer by hand, or mapped
    another event source to it."""


class BadTask(Permanent):
    """The event names no restore whose events are to be counted. The restore workflow
    sends the right ones; by hand: events/analytics/replay.json."""


class BadQuestion(Permanent):
    """What was asked cannot be answered as it stands. The message is for who asked: it says what
    to send instead, and repeats nothing."""


class UnknownTitle(Permanent):
    """The catalogue has no title of this id, and nothing was counted of it in the time that was
    asked about."""


class RollupsOverdue(Retryable):
    """Old minutes or hours are left that one call had no time for. What was moved stays moved; the
    next call goes on. When it stays, there is more to move each day than one call can: call the
    function more often."""
