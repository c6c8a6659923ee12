"""A rotation is four invocations of the function, all of it again when one fails, and told."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import LOGS, allow
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.local.conftest import Cloud

STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"

CODE = """
import boto3, json, os
secrets = boto3.client("secretsmanager")
failures = json.loads(os.environ.get("FAILURES", "{}"))
def handler(event, context):
    print("STEP " + json.dumps(event))
    secret, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    if failures.get(step, 0) > 0:
        failures[step] -= 1
        raise ValueError(f"{step} does not want to")
    labels = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
    if "AWSPENDING" not in labels[token]:
        return
    change = secrets.update_secret_version_stage
    if step == "createSecret" and os.environ.get("GIVE_UP"):
        change(SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=token)
        raise ValueError("not now")
    if step == "createSecret":
        try:
            secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            secrets.put_secret_value(
                SecretId=secret, ClientRequestToken=token,
                SecretString="new", VersionStages=["AWSPENDING"],
            )
    if step == "finishSecret":
        (old,) = [id for id, worn in labels.items() if "AWSCURRENT" in worn]
        change(SecretId=secret, VersionStage="AWSCURRENT",
               MoveToVersionId=token, RemoveFromVersionId=old)
        change(SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=token)
"""


class Rotating:
    """One secret and its rotation function."""

    def __init__(
        self, cloud: Cloud, name: str, *, permitted: bool = True, **variables: str
    ) -> None:
        self.cloud, self.name = cloud, name
        self.secrets = cloud.client("secretsmanager")
        made = self.secrets.create_secret(Name=name, SecretString="old")
        self.arn, self.first = made["ARN"], made["VersionId"]
        role = cloud.role(name, LOGS, allow("secretsmanager:*", self.arn))
        environment = {"Variables": variables}
        self.function = cloud.function(name, CODE, role, Environment=environment)
        if permitted:
            cloud.client("lambda").add_permission(
                FunctionName=name,
                StatementId="rotation",
                Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com",
                SourceAccount="000000000000",
                SourceArn=self.arn,
            )

    def rotate(self, **more: Any) -> str:
        more = {"RotationLambdaARN": self.function, "ClientRequestToken": str(uuid.uuid4())} | more
        return str(self.secrets.rotate_secret(SecretId=self.name, **more)["VersionId"])

    def refusal(self, **more: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as refusal:
            self.rotate(**more)
        error = refusal.value.response["Error"]
        return error["Code"], error["Message"]

    def described(self) -> dict[str, Any]:
        return dict(self.secrets.describe_secret(SecretId=self.name))

    def labels(self) -> dict[str, list[str]]:
        return dict(self.described()["VersionIdsToStages"])

    def value(self) -> str:
        return str(self.secrets.get_secret_value(SecretId=self.name)["SecretString"])

    def steps(self) -> list[dict[str, str]]:
        lines = self.cloud.log_of(f"/aws/lambda/{self.name}")
        return [json.loads(line[5:]) for line in lines if line.startswith("STEP ")]

    def told(self) -> list[dict[str, Any]]:
        """The details of the events about this secret, in their order."""
        return [
            event["detail"]
            for event in heard(self.cloud)
            if event["detail-type"] == "AWS Service Event via CloudTrail"
            and event["detail"]["additionalEventData"] == {"SecretId": self.arn}
        ]

    def names_told(self) -> list[str]:
        return [each["eventName"] for each in self.told()]


@pytest.fixture(scope="module", autouse=True)
def listener(cloud: Cloud) -> None:
    """A queue with everything that the default bus hears from Secrets Manager."""
    queue = cloud.client("sqs").create_queue(QueueName="rotation-events")["QueueUrl"]
    pattern = json.dumps({"source": ["aws.secretsmanager"]})
    cloud.client("events").put_rule(Name="rotation-events", EventPattern=pattern)
    arn = f"arn:aws:sqs:eu-central-1:000000000000:{queue.rpartition('/')[2]}"
    targets = [{"Id": "queue", "Arn": arn}]
    cloud.client("events").put_targets(Rule="rotation-events", Targets=targets)
    HEARD.clear()


HEARD: list[dict[str, Any]] = []


def heard(cloud: Cloud) -> list[dict[str, Any]]:
    sqs = cloud.client("sqs")
    queue = sqs.get_queue_url(QueueName="rotation-events")["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        HEARD.extend(json.loads(message["Body"]) for message in messages)
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return HEARD


def test_four_steps_fill_and_promote_an_empty_version_and_everybody_is_told(cloud: Cloud) -> None:
    secret = Rotating(cloud, "rotation-steps")
    label = secret.secrets.update_secret_version_stage
    label(SecretId=secret.name, VersionStage=PENDING, MoveToVersionId=secret.first)  # no obstacle
    token = secret.rotate(RotationRules={"AutomaticallyAfterDays": 30})

    ended = eventually(secret.names_told, 10, lambda told: "RotationSucceeded" in told)

    assert ended == ["RotationStarted", "RotationSucceeded"]
    assert secret.value() == "new"
    assert secret.labels() == {token: [CURRENT], secret.first: [PREVIOUS]}
    wanted = {"SecretId": secret.arn, "ClientRequestToken": token}
    assert secret.steps() == [{"Step": step} | wanted for step in STEPS]
    described = secret.described()
    days = described["NextRotationDate"] - described["LastRotatedDate"]
    assert (described["RotationEnabled"], days.days) == (True, 30)
    detail = secret.told()[-1]
    assert (detail["eventSource"], detail["eventType"]) == (
        "secretsmanager.amazonaws.com",
        "AwsServiceEvent",
    )
    (moved,) = [each for each in heard(cloud) if each["detail-type"] == "Secret Label Updated"]
    assert (moved["resources"], moved["detail"]) == (
        [secret.arn],
        {"name": secret.name, "labelUpdated": CURRENT, "versionId": token},
    )


def test_a_step_that_fails_has_the_whole_rotation_tried_again(cloud: Cloud) -> None:
    secret = Rotating(cloud, "rotation-again", FAILURES='{"setSecret": 1, "finishSecret": 1}')

    token = secret.rotate()

    eventually(secret.names_told, 15, lambda told: "RotationSucceeded" in told)
    assert [each["Step"] for each in secret.steps()] == [*STEPS[:2], *STEPS, *STEPS]
    assert secret.labels()[token] == [CURRENT]


def test_after_three_attempts_it_is_given_up_with_pending_left_and_no_other_begins(
    cloud: Cloud,
) -> None:
    secret = Rotating(cloud, "rotation-fails", FAILURES='{"createSecret": 3}')
    token = secret.rotate()
    assert secret.labels() == {token: [PENDING], secret.first: [CURRENT]}
    asked = {"VersionId": token, "VersionStage": PENDING}
    with pytest.raises(secret.secrets.exceptions.ResourceNotFoundException):
        secret.secrets.get_secret_value(SecretId=secret.name, **asked)

    assert secret.refusal()[0] == "InvalidRequestException"
    eventually(secret.names_told, 15, lambda told: "RotationFailed" in told)
    assert [each["Step"] for each in secret.steps()] == ["createSecret"] * 3
    assert secret.labels() == {token: [PENDING], secret.first: [CURRENT]}
    code, told = secret.refusal()
    assert (code, told[:34]) == ("InvalidRequestException", "A previous rotation isn't complete")

    assert secret.rotate(ClientRequestToken=token) == token
    eventually(secret.value, 10, lambda value: value == "new")


def test_a_rotation_whose_label_is_taken_away_is_abandoned_and_another_may_begin(
    cloud: Cloud,
) -> None:
    secret = Rotating(cloud, "rotation-abandoned", GIVE_UP="yes")

    secret.rotate()
    eventually(secret.names_told, 10, lambda told: "RotationAbandoned" in told)
    secret.rotate()

    eventually(secret.names_told, 10, lambda told: told.count("RotationAbandoned") == 2)
    assert [each["Step"] for each in secret.steps()] == ["createSecret"] * 2
    assert secret.labels() == {secret.first: [CURRENT]}


def test_without_rotating_at_once_test_secret_alone_decides(cloud: Cloud) -> None:
    secret = Rotating(cloud, "rotation-later", FAILURES='{"testSecret": 1}')

    code, told = secret.refusal(RotateImmediately=False)
    assert (code, told) == (
        "InvalidRequestException",
        "testSecret: ValueError: testSecret does not want to",
    )
    assert secret.described()["RotationEnabled"] is False
    secret.rotate(RotateImmediately=False)

    assert secret.described()["RotationEnabled"] is True
    assert [each["Step"] for each in secret.steps()] == ["testSecret"] * 2
    assert (secret.labels(), secret.value()) == ({secret.first: [CURRENT]}, "old")


def test_a_function_that_secrets_manager_may_not_invoke_is_refused(cloud: Cloud) -> None:
    secret = Rotating(cloud, "rotation-forbidden", permitted=False)

    code, told = secret.refusal()
    assert code == "AccessDeniedException"
    assert "secretsmanager.amazonaws.com" in told
    rules = {"ScheduleExpression": "rate(3 hours)"}
    assert secret.refusal(RotationRules=rules)[0] == "InvalidParameterException"
    assert (secret.labels(), secret.steps()) == ({secret.first: [CURRENT]}, [])


def test_a_cancelled_rotation_stops_before_its_next_step(cloud: Cloud) -> None:
    secret = Rotating(cloud, "rotation-cancelled", FAILURES='{"setSecret": 1}')
    other = Rotating(cloud, "rotation-not-cancelled", FAILURES='{"setSecret": 1}')
    token = secret.rotate()
    eventually(lambda: len(secret.steps()) == 2, 10)

    answer = secret.secrets.cancel_rotate_secret(SecretId=secret.name)
    other.rotate()

    assert answer["VersionId"] == token
    described = secret.described()
    assert (described["RotationEnabled"], "NextRotationDate" in described) == (False, False)
    eventually(other.value, 15, lambda value: value == "new")  # in its second attempt
    assert [each["Step"] for each in secret.steps()] == STEPS[:2]
    assert secret.labels()[token] == [PENDING]


@pytest.fixture
def clock(cloud: Cloud) -> Iterator[Path]:
    file = cloud.home / "secrets-clock"
    yield file
    file.unlink()


@pytest.mark.parametrize(
    ("name", "rules", "hours"),
    [
        ("rate", {"ScheduleExpression": "rate(4 hours)"}, 4),
        ("days", {"AutomaticallyAfterDays": 1}, 24),
    ],
)
def test_what_is_due_rotates_by_itself(
    cloud: Cloud, clock: Path, name: str, rules: dict[str, Any], hours: int
) -> None:
    secret = Rotating(cloud, f"rotation-due-by-{name}")
    secret.rotate(RotateImmediately=False, RotationRules=rules)
    due = secret.described()["NextRotationDate"]

    clock.write_text(str(hours * 3600), encoding="utf-8")

    eventually(secret.names_told, 15, lambda told: "RotationSucceeded" in told)
    described = secret.described()
    assert secret.value() == "new"
    assert 0 <= (described["LastRotatedDate"] - due).total_seconds() < 10
    following = described["NextRotationDate"] - described["LastRotatedDate"]
    assert following.total_seconds() == hours * 3600
