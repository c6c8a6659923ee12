"""A restore is rehearsed: nothing is left of it but what was measured."""

from __future__ import annotations

import uuid
from typing import Any

from tests.e2e.recovery import workflow
from tests.e2e.recovery.workflow import clusters, on_record


def test_a_drill_restores_closes_erases_measures_and_leaves_nothing(
    aws: Any, outputs: dict[str, str]
) -> None:
    # As EventBridge names executions: longer than others, and with an underscore.
    before, run = clusters(aws).keys(), f"{uuid.uuid4()}_{uuid.uuid4()}"

    assert workflow.run(aws, outputs, run, mode="drill", target="latest") == "SUCCEEDED"

    assert clusters(aws).keys() == before
    [known] = [each for each in on_record(aws, outputs, "restore") if each["run"] == run]
    assert known["outcome"] == "passed"
    assert known["rpo_seconds"] < 300
    assert known["schema_version"] >= 6
    receipt = aws.client("dynamodb").get_item(
        TableName=outputs["PrivacyLedgerTableName"],
        Key={"id": {"S": f"restore#{run}"}, "what": {"S": "receipt"}},
    )
    assert "Item" in receipt, "erasures were repeated and nobody signed for it"


def test_a_cutover_is_not_begun_by_a_word(aws: Any, outputs: dict[str, str]) -> None:
    before, run = clusters(aws).keys(), f"cutover-{uuid.uuid4()}"

    assert workflow.run(aws, outputs, run, mode="cutover") == "FAILED"

    assert clusters(aws).keys() == before
    assert [each for each in on_record(aws, outputs, "restore") if each["run"] == run] == []
