"""The address book's epoch: put there once, as the database has it, and taken away at the end.

No template owns it. CloudFormation would write its own number again with any change of a tag, and
undo a cutover: from the moment it is there, it is recovery's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from schema.errors import BookUnchanged, SchemaRefused
from schema.turn import meaning
from streamflix import aws

if TYPE_CHECKING:
    from psycopg2 import extensions

    from schema.settings import Settings

# master reads nothing without entering a role; this one may read the epoch and change nothing.
READER = "recovery_ro"


def publish(connection: extensions.connection, env: Settings) -> bool:
    """Put the database's epoch into the address book, and say whether it was missing there.

    One that is there stays, whatever it says: a database that has another is a copy that recovery
    has not released.
    Raises: `SchemaRefused`; `BookUnchanged`, `DatabaseUnreachable`, `SchemaBlocked` (retryable).
    """
    tags = {
        "Project": "streamflix",
        "Environment": env.environment,
        "DataClass": "operational",
        "Retention": "stack",
    }
    try:
        aws.client("ssm").put_parameter(
            Name=_name(env),
            Description="Rises with every cutover; the database must agree.",
            Type="String",
            Value=str(_of(connection)),
            Overwrite=False,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
    except (BotoCoreError, ClientError) as error:
        if (reason := aws.reason(error)) == "ParameterAlreadyExists":
            return False
        raise BookUnchanged(f"epoch not put: {reason}") from None
    return True


def withdraw(env: Settings) -> None:
    """Take the epoch out of the address book; it may be gone already. Raises: `BookUnchanged`."""
    try:
        aws.client("ssm").delete_parameter(Name=_name(env))
    except (BotoCoreError, ClientError) as error:
        if (reason := aws.reason(error)) != "ParameterNotFound":
            raise BookUnchanged(f"epoch not taken away: {reason}") from None


def _name(env: Settings) -> str:
    return f"{env.address_book}/epoch"


def _of(connection: extensions.connection) -> int:
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {READER}")
            cursor.execute("SELECT epoch FROM ops.epoch")
            row = cursor.fetchone()
    except psycopg2.Error as error:
        raise meaning(error, connection, "the epoch") from None
    if row is None:
        raise SchemaRefused("ops.epoch is empty")
    return int(row[0])
