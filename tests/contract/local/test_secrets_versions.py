"""Versions of a secret and their labels are kept as Secrets Manager keeps them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.local.conftest import Cloud

PENDING = ["AWSPENDING"]


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    return str(refusal.value.response["Error"]["Code"])


def labels(secrets: Any, name: str) -> dict[str, str]:
    """Which version has each label."""
    held = secrets.describe_secret(SecretId=name)["VersionIdsToStages"]
    return {label: identity for identity, worn in held.items() for label in worn}


def put(secrets: Any, name: str, value: str, *stages: str) -> str:
    token = str(uuid.uuid4())
    more = {"VersionStages": list(stages)} if stages else {}
    secrets.put_secret_value(SecretId=name, SecretString=value, ClientRequestToken=token, **more)
    return token


def test_a_version_that_lost_its_labels_is_read_by_its_id_and_listed_on_request(
    cloud: Cloud,
) -> None:
    secrets = cloud.client("secretsmanager")
    first = secrets.create_secret(Name="versions/old", SecretString="one")["VersionId"]
    second, third = put(secrets, "versions/old", "two"), put(secrets, "versions/old", "three")

    assert labels(secrets, "versions/old") == {"AWSCURRENT": third, "AWSPREVIOUS": second}
    assert secrets.get_secret_value(SecretId="versions/old", VersionId=first)["SecretString"] == (
        "one"
    )

    def listed(**more: bool) -> set[str]:
        answer = secrets.list_secret_version_ids(SecretId="versions/old", **more)
        return {version["VersionId"] for version in answer["Versions"]}

    assert listed() == {second, third}
    assert listed(IncludeDeprecated=True) == {first, second, third}


def test_a_label_is_on_one_version_at_a_time_and_pending_can_be_taken_away(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    first = secrets.create_secret(Name="versions/labels", SecretString="one")["VersionId"]
    put(secrets, "versions/labels", "two", "AWSPENDING")
    third = put(secrets, "versions/labels", "three", "AWSPENDING")
    assert labels(secrets, "versions/labels") == {"AWSCURRENT": first, "AWSPENDING": third}

    move = secrets.update_secret_version_stage
    move(
        SecretId="versions/labels",
        VersionStage="AWSCURRENT",
        MoveToVersionId=third,
        RemoveFromVersionId=first,
    )
    assert labels(secrets, "versions/labels") == {
        "AWSCURRENT": third,
        "AWSPENDING": third,
        "AWSPREVIOUS": first,
    }
    move(SecretId="versions/labels", VersionStage="AWSPENDING", RemoveFromVersionId=third)
    assert labels(secrets, "versions/labels") == {"AWSCURRENT": third, "AWSPREVIOUS": first}
    gone = {"VersionStage": "AWSCURRENT", "RemoveFromVersionId": third}
    assert refused(move, SecretId="versions/labels", **gone) == "InvalidParameterException"


def test_a_version_takes_one_value_and_answers_to_its_own_label_only(cloud: Cloud) -> None:
    secrets = cloud.client("secretsmanager")
    first = secrets.create_secret(Name="versions/value", SecretString="one")["VersionId"]
    token = put(secrets, "versions/value", "two", "AWSPENDING")
    named = {"SecretId": "versions/value", "ClientRequestToken": token}

    again = secrets.put_secret_value(SecretString="two", VersionStages=PENDING, **named)
    assert again["VersionStages"] == PENDING
    assert refused(secrets.put_secret_value, SecretString="other", **named) == (
        "ResourceExistsException"
    )
    wrong = {"VersionId": first, "VersionStage": "AWSPENDING"}
    assert refused(secrets.get_secret_value, SecretId="versions/value", **wrong) == (
        "InvalidRequestException"
    )
