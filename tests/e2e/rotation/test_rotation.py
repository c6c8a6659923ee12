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


def rotated(aws: Any, arn: str) -> str:
    """Rotate, wait for the end, return the new version."""
    token = str(aws.client("secretsmanager").rotate_secret(SecretId=arn)["VersionId"])
    eventually(
        lambda: stages(aws, arn),
        ROTATED_SECONDS,
        lambda seen: seen["AWSCURRENT"] == token and "AWSPENDING" not in seen,
    )
    return token


def sweep(outputs: dict[str, str], aws: Any, **event: Any) -> dict[str, Any]:
    answer = aws.client("lambda").invoke(
        FunctionName=outputs["RotationSweepFunctionName"], Payload=json.dumps(event).encode()
    )
    told: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, told
    return told


@pytest.mark.parametrize("login", ["redis/app", *(each for each in SECRETS if each != "redis/app")])
def test_a_rotation_promotes_and_a_second_one_at_once_is_called_off(
    outputs: dict[str, str], aws: Any, login: str
) -> None:
    arn = outputs[SECRETS[login]]
    before = aws.secret(arn)

    token = rotated(aws, arn)

    assert stages(aws, arn)["AWSPREVIOUS"] != token
    assert aws.secret(arn)["password"] != before["password"]
    aws.client("secretsmanager").rotate_secret(SecretId=arn)
    left = eventually(
        lambda: stages(aws, arn), ROTATED_SECONDS, lambda seen: "AWSPENDING" not in seen
    )
    assert left["AWSCURRENT"] == token


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
    told = sweep(outputs, aws)

    assert told["drift"] == 0, told
    assert {each["login"] for each in told["secrets"]} == set(SECRETS)


def test_the_service_says_which_version_it_has_taken_up(outputs: dict[str, str], aws: Any) -> None:
    arn = outputs[SECRETS["redis/app"]]
    current = stages(aws, arn)["AWSCURRENT"]

    def adopted() -> str | None:
        tags = aws.client("secretsmanager").describe_secret(SecretId=arn).get("Tags", [])
        return next((tag["Value"] for tag in tags if tag["Key"] == "AdoptedVersion"), None)

    eventually(adopted, 40, lambda version: version == current)


@pytest.mark.parametrize("login", ["redis/app", "redis/ops"])
def test_a_redis_password_that_a_hand_took_back_is_restored(
    outputs: dict[str, str], aws: Any, login: str
) -> None:
    vault, arn = aws.client("secretsmanager"), outputs[SECRETS[login]]
    old = json.loads(
        vault.get_secret_value(SecretId=arn, VersionStage="AWSPREVIOUS")["SecretString"]
    )
    user = f"streamflix-{login.removeprefix('redis/')}-{outputs['EnvironmentSuffix']}"
    aws.client("elasticache").modify_user(UserId=user, Passwords=[old["password"]])

    told = sweep(outputs, aws)

    [report] = [each for each in told["secrets"] if each["login"] == login]
    assert report["repaired"] == ["AWSCURRENT does not log in, AWSPREVIOUS does"]
    assert sweep(outputs, aws, repair=False)["drift"] == 0


def test_what_secrets_manager_gave_up_is_ended_at_once_on_demand(
    outputs: dict[str, str], aws: Any
) -> None:
    """The versions that wait are copies of the current ones, so nothing that logs in changes."""
    vault = aws.client("secretsmanager")
    waiting = {}
    for login, output in SECRETS.items():
        text = vault.get_secret_value(SecretId=outputs[output])["SecretString"]
        put = vault.put_secret_value(
            SecretId=outputs[output], SecretString=text, VersionStages=["AWSPENDING"]
        )
        waiting[login] = put["VersionId"]

    told = sweep(outputs, aws, stuck_after_seconds=0)

    assert {each["login"] for each in told["secrets"]} == set(SECRETS)
    assert all(each["repaired"] == ["a rotation that was given up"] for each in told["secrets"])
    for login, output in SECRETS.items():
        left = stages(aws, outputs[output])
        assert left["AWSCURRENT"] == waiting[login]
        assert "AWSPENDING" not in left
