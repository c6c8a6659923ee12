"""Migrations are applied where the restore workflow says; here, in the database that there is."""

from __future__ import annotations

import json
from typing import Any


def migrate(aws: Any, outputs: dict[str, str], address: str) -> Any:
    answer = aws.client("lambda").invoke(
        FunctionName=f"streamflix-schema-copy-{outputs['EnvironmentSuffix']}",
        Payload=json.dumps({"restore": "of-a-test", "address": address}),
    )
    return json.loads(answer["Payload"].read())


def test_a_database_that_lacks_nothing_is_left_alone(
    aws: Any, outputs: dict[str, str], connect: Any
) -> None:
    with connect("MasterSecretArn").cursor() as cursor:
        cursor.execute("SELECT max(version) FROM ops.migration")
        (newest,) = cursor.fetchone()

    told = migrate(aws, outputs, f"{outputs['AuroraClusterEndpoint']}:{outputs['AuroraPort']}")

    assert told == {"schemaVersion": newest, "applied": 0}


def test_an_event_without_an_address_is_refused(aws: Any, outputs: dict[str, str]) -> None:
    assert migrate(aws, outputs, "")["errorType"] == "BadCopy"
