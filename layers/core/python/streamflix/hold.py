"""The hold: whoever changes credentials or clusters takes the one item of a table, for as long.

The item says holder, reason, since when and until when (epoch seconds), and carries a token that
only its taker knows. No table yet means that nobody holds.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from streamflix import aws
from streamflix.errors import EnvironmentHeld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAME = "environment"
PAUSE_SECONDS = 0.3

FREE = "attribute_not_exists(#hold) OR expires_at <= :now OR #token = :token"
GIVES_WAY = " OR gives_way = :true"

logger = logging.getLogger(__name__)


@contextmanager
def held(
    table: str,
    holder: str,
    reason: str,
    *,
    lease_seconds: float,
    wait_seconds: float,
    client: Any = None,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold while the block runs, which must end within the lease.

    Waits for another holder for a while: rotations of two secrets hold for a second or two each.
    Raises: `EnvironmentHeld`, which says who holds it, why and until when.
    """
    dynamodb = client or aws.client("dynamodb")
    token = uuid.uuid4().hex
    give_up_at = now() + wait_seconds
    while (
        other := _take(dynamodb, table, _item(holder, reason, token, int(now()), lease_seconds))
    ) is not None:
        pause = PAUSE_SECONDS * random.uniform(0.5, 1.5)  # noqa: S311  spreads, guards nothing
        if now() + pause > give_up_at:
            raise EnvironmentHeld(other)
        sleep(pause)
    try:
        yield
    finally:
        _release(dynamodb, table, token)


def take(
    table: str,
    holder: str,
    reason: str,
    token: str,
    *,
    lease_seconds: float,
    gives_way: bool = False,
    goes_first: bool = False,
    now: Callable[[], float] = time.time,
) -> None:
    """Hold until `release` with this token, across processes. Whoever holds takes it anew; from who
    `gives_way`, whoever `goes_first` takes it as well.

    Raises: `EnvironmentHeld`.
    """
    item = _item(holder, reason, token, int(now()), lease_seconds)
    if gives_way:
        item["gives_way"] = {"BOOL": True}
    other = _take(aws.client("dynamodb"), table, item, GIVES_WAY if goes_first else "")
    if other is not None:
        raise EnvironmentHeld(other)


def release(table: str, token: str) -> None:
    """Let go of what was taken with this token; of nothing, when it is somebody else's by now."""
    _release(aws.client("dynamodb"), table, token)


def _item(
    holder: str, reason: str, token: str, moment: int, lease_seconds: float
) -> dict[str, dict[str, Any]]:
    return {
        "hold": {"S": NAME},
        "holder": {"S": holder},
        "reason": {"S": reason},
        "taken_at": {"N": str(moment)},
        "expires_at": {"N": str(moment + int(lease_seconds) + 1)},
        "token": {"S": token},
    }


def _take(dynamodb: Any, table: str, item: dict[str, Any], further: str = "") -> str | None:
    """Nothing when it was taken, or when there is no table; else who has it. `further` is another
    condition under which it may be taken."""
    try:
        dynamodb.put_item(
            TableName=table,
            Item=item,
            ConditionExpression=FREE + further,
            ExpressionAttributeNames={"#hold": "hold", "#token": "token"},
            ExpressionAttributeValues={":now": item["taken_at"], ":token": item["token"]}
            | ({":true": {"BOOL": True}} if further else {}),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        other = error.response.get("Item")
        if not other:
            return "somebody else was faster"
        until = time.strftime("%H:%M:%S", time.gmtime(int(other["expires_at"]["N"])))
        return f"{other['holder']['S']} for: {other['reason']['S']}, until {until} UTC"
    return None


def _release(dynamodb: Any, table: str, token: str) -> None:
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
        return  # gone with its table, or it expired and is somebody else's
    except (BotoCoreError, ClientError) as error:
        logger.warning("hold not released, its lease ends", extra={"reason": aws.reason(error)})
