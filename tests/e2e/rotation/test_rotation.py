"""Secrets Manager rotates what is deployed, through the deployed function, while nobody waits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = {
    "master": "MasterSecretArn",
    "app": "DBSecretArn",
    "analytics": "AnalyticsSecretArn",
    "privacy": "PrivacySecretArn",
    "recovery": "RecoverySecretArn",
    "redis/app": "RedisAppSecretArn",
    "redis/ops": "RedisOpsSecretArn",
}
ROTATED_SECONDS = 18


def stages(aws: Any, arn: str) -> dict[str, str]:
    found = aws.client("secretsmanager").describe_secret(SecretId=arn)["VersionIdsToStages"]
    return {label: version for version, labels in found.items() for label in labels}


@pytest.mark.parametrize("login", list(SECRETS))
def test_a_rotation_ends_with_the_new_version_current_and_nothing_pending(
    outputs: dict[str, str], aws: Any, login: str
) -> None:
    arn = outputs[SECRETS[login]]
    before = aws.secret(arn)

    token = aws.client("secretsmanager").rotate_secret(SecretId=arn)["VersionId"]

    left = eventually(
        lambda: stages(aws, arn),
        ROTATED_SECONDS,
        lambda seen: seen["AWSCURRENT"] == token and "AWSPENDING" not in seen,
    )
    assert left["AWSPREVIOUS"] != token
    assert aws.secret(arn)["password"] != before["password"]


def test_every_secret_is_on_a_schedule_of_thirty_days_at_most(
    outputs: dict[str, str], aws: Any
) -> None:
    vault = aws.client("secretsmanager")
    for output in SECRETS.values():
        found = vault.describe_secret(SecretId=outputs[output])
        assert found["RotationEnabled"]
        assert (found["NextRotationDate"] - found["CreatedDate"]).days <= 30


def test_who_logs_in_with_the_new_secret_has_the_rights_of_the_room(
    connect: Callable[..., Any],
) -> None:
    for output, role in (("AnalyticsSecretArn", "analytics_rw"), ("DBSecretArn", "app_rw")):
        session = connect(output)
        with session.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == (role,)
        session.close()


def test_the_sweeper_finds_nothing_to_complain_about(outputs: dict[str, str], aws: Any) -> None:
    answer = aws.client("lambda").invoke(
        FunctionName=outputs["RotationSweepFunctionName"], Payload=json.dumps({}).encode()
    )
    told = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    assert told["drift"] == 0, told
    assert {each["login"] for each in told["secrets"]} == set(SECRETS)
