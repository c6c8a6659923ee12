"""Tables of DynamoDB, as the stacks make them."""

from __future__ import annotations

from typing import Any


def create(dynamodb: Any, table: str, *keys: str) -> None:
    """A table of this key, or of this partition and sort key; both are text."""
    dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    )
