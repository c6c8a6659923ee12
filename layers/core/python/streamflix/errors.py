"""Errors as a vocabulary: each docstring is what an operator should conclude.

The class name is a contract: Step Functions and alarms match on it. Messages never carry a
credential or a value out of a row.
"""


class Retryable(Exception):
    """The same call may succeed later, unchanged. Nothing is wrong with what was asked."""


class Permanent(Exception):
    """The same call can never succeed. Change what was asked, or how it is set up."""


class DatabaseUnreachable(Retryable):
    """Aurora did not answer, or went away in the middle. Normal for seconds during a failover; for
    longer, look at the cluster, at the security groups and at the address book."""


class ServerUntrusted(DatabaseUnreachable):
    """What answers at the database's address could not prove that it is the database, or does not
    speak TLS. Nothing was sent to it. Look at the address book first, then at the server's
    certificate and at the authorities in the core layer."""


class ConnectDenied(DatabaseUnreachable):
    """The password is right, but the login may not enter the database: it has lost its work role.
    The rotation's sweeper gives it back; runbook secret-drifted."""


class StatementRefused(Retryable):
    """Aurora answered and refused for a reason that is not in the data: a lock that was not freed,
    a grant or a migration that is missing. Read the SQLSTATE; a deploy or a rollback may be half
    done."""


class DataRefused(Permanent):
    """Aurora refused a value (SQLSTATE class 22 or 23). The data is wrong, not the platform."""


class RedisUnreachable(Retryable):
    """Redis did not answer or refused a command. Look at the replication group; live viewers and
    sessions suffer, nothing durable is lost."""


class CredentialsRefused(Retryable):
    """Neither AWSCURRENT nor AWSPENDING logs in. During a rotation this passes within seconds; if
    it stays, somebody changed the password by hand, and rotation's runbook says what to do."""


class SecretUnreadable(Retryable):
    """Secrets Manager did not hand out a secret: it is down, the role lacks a grant, or the key of
    the secret is disabled."""


class SecretMalformed(Permanent):
    """A secret is not the JSON that AWS documents for it. Correct its value."""


class KeyUnavailable(Retryable):
    """KMS did not use a key for us: it is down, the role lacks a grant, or the key is disabled or
    waits for its deletion. Nothing about a person is written or erased until it does."""


class AddressUnknown(Retryable):
    """The address book in Parameter Store could not be read, or an entry is missing. Until it can,
    nobody finds the database."""


class AddressMalformed(Permanent):
    """An entry of the address book is not `host:port`, or its epoch is no number. Somebody edited
    it by hand."""


class EpochMoved(Retryable):
    """The database is not the one that the address book means, or it took over and still counts
    the events that it lacks: a restored copy is being brought into service. Writing now would lose
    or repeat data; wait for it."""


class EnvironmentHeld(Retryable):
    """A deploy, a restore or another rotation is changing credentials or clusters just now. It ends
    by itself, or its hold does; the message says who it is and until when."""


class ShardsUnknown(Retryable):
    """Kinesis did not say which shards a stream has, or is changing them just now, which passes
    within seconds. No event was taken. Look at the producer's grant to list shards."""


class EventsUnsent(Retryable):
    """Kinesis took no more events for as long as the producer may wait. They are still in the
    producer, in their order: flush it again; they are lost if its process ends first. Look at what
    the stream refuses: throttled shards, the producer's grants, the stream's key."""


class EventTooLarge(Permanent):
    """An event does not fit into a record of Kinesis, and was not taken. No retry helps: its sender
    must make it smaller."""


class SettingsInvalid(Permanent):
    """A function's environment does not fit its code. The message names each variable to fix."""
