"""The hold: rotation, deploys and restores exclude each other by one item in a table.

Partition key `hold`; the item says holder, reason, since when and until when (epoch seconds), and
carries a token that only its taker knows. No table yet means that nobody holds.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import getpass
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "environment"
LEASE_SECONDS = 600
RENEW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has it, why, and until when."""

    who: str
    reason: str
    until: int

    def __str__(self) -> str:
        moment = dt.datetime.fromtimestamp(self.until, dt.UTC)
        return f"{self.who} holds it for: {self.reason}; until {moment:%Y-%m-%d %H:%M:%S} UTC"


def table_of(environment: str) -> str:
    return f"streamflix-hold-{environment}"


def current(dynamodb: Any, table: str, now: Callable[[], float] = time.time) -> Holder | None:
    """Who holds it now; None when nobody does, also because there is no table yet."""
    try:
        key = {"hold": {"S": NAME}}
        item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    if not item or int(item["expires_at"]["N"]) <= now():
        return None
    return _holder(item)


@contextlib.contextmanager
def held(
    dynamodb: Any,
    table: str,
    reason: str,
    *,
    show: Callable[[str], None],
    now: Callable[[], float] = time.time,
    renew_seconds: float = RENEW_SECONDS,
) -> Iterator[bool]:
    """Hold while the block runs; renewed meanwhile, released in every end of it.

    Yields whether there is a hold at all: without a table there is nothing to take.
    Raises: `Refusal` that says who holds it, why and until when.
    """
    token = uuid.uuid4().hex
    try:
        _take(dynamodb, table, reason, token, now)
    except dynamodb.exceptions.ResourceNotFoundException:
        yield False
        return
    done = threading.Event()
    renewing = threading.Thread(
        target=_renew, args=(dynamodb, table, token, now, renew_seconds, done, show), daemon=True
    )
    renewing.start()
    try:
        yield True
    finally:
        done.set()
        renewing.join()
        _release(dynamodb, table, token, show)


def _take(dynamodb: Any, table: str, reason: str, token: str, now: Callable[[], float]) -> None:
    moment = int(now())
    try:
        dynamodb.put_item(
            TableName=table,
            Item={
                "hold": {"S": NAME},
                "holder": {"S": f"{getpass.getuser()}@{socket.gethostname()}"},
                "reason": {"S": reason},
                "taken_at": {"N": str(moment)},
                "expires_at": {"N": str(moment + LEASE_SECONDS)},
                "token": {"S": token},
            },
            ConditionExpression="attribute_not_exists(#hold) OR expires_at <= :now",
            ExpressionAttributeNames={"#hold": "hold"},
            ExpressionAttributeValues={":now": {"N": str(moment)}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        item = error.response.get("Item")
        holder = _holder(item) if item else current(dynamodb, table, now)
        raise Refusal(
            f"Nothing was done: {holder or 'somebody else was faster'}. Wait for the end; a holder "
            "that died lets go by itself at that time."
        ) from None


def _renew(
    dynamodb: Any,
    table: str,
    token: str,
    now: Callable[[], float],
    seconds: float,
    done: threading.Event,
    show: Callable[[str], None],
) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    while not done.wait(seconds):
        try:
            dynamodb.update_item(
                TableName=table,
                Key={"hold": {"S": NAME}},
                UpdateExpression="SET expires_at = :until",
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={
                    ":until": {"N": str(int(now()) + LEASE_SECONDS)},
                    ":token": {"S": token},
                },
            )
        except (
            dynamodb.exceptions.ResourceNotFoundException,
            dynamodb.exceptions.ConditionalCheckFailedException,
        ):
            if not done.is_set():
                show("The hold is gone: its table was deleted, or somebody took it over.")
            return
        except (BotoCoreError, ClientError) as error:
            show(f"The hold could not be renewed, another try follows: {error}")


def _release(dynamodb: Any, table: str, token: str, show: Callable[[str], None]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        dynamodb.delete_item(
            TableName=table,
            Key={"hold": {"S": NAME}},
            ConditionExpression="#token = :token",
            ExpressionAttributeNames={"#token": "token"},
            ExpressionAttributeValues={":token": {"S": token}},
        )
    except (
        dynamodb.exceptions.ResourceNotFoundException,
        dynamodb.exceptions.ConditionalCheckFailedException,
    ):
        return  # gone with its table, or somebody else's by now
    except (BotoCoreError, ClientError) as error:
        show(f"The hold could not be released; it ends by itself in {LEASE_SECONDS} s: {error}")


def _holder(item: dict[str, Any]) -> Holder:
    return Holder(item["holder"]["S"], item["reason"]["S"], int(item["expires_at"]["N"]))
