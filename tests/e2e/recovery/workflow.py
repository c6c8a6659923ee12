"""The restore workflow of what is deployed, as a human begins it."""

from __future__ import annotations

import json
from typing import Any

from tests.eventually import eventually

PATIENCE_SECONDS = 3_600
"""An account needs most of it; a laptop a minute."""


def run(aws: Any, outputs: dict[str, str], name: str, **asked: str) -> str:
    """Run the workflow; returns how it ended."""
    workflow = aws.client("stepfunctions")
    execution = workflow.start_execution(
        stateMachineArn=outputs["RestoreStateMachineArn"], name=name, input=json.dumps(asked)
    )["executionArn"]
    ended: str = eventually(
        lambda: workflow.describe_execution(executionArn=execution)["status"],
        PATIENCE_SECONDS,
        lambda status: status != "RUNNING",
    )
    return ended


def clusters(aws: Any) -> dict[str, dict[str, Any]]:
    described = aws.client("rds").describe_db_clusters()["DBClusters"]
    return {each["DBClusterIdentifier"]: each for each in described}


def on_record(aws: Any, outputs: dict[str, str], kind: str) -> list[dict[str, Any]]:
    answer = aws.client("dynamodb").query(
        TableName=outputs["IncidentsTableName"],
        KeyConditionExpression="kind = :kind",
        ExpressionAttributeValues={":kind": {"S": kind}},
    )
    return [json.loads(item["record"]["S"]) for item in answer["Items"]]
