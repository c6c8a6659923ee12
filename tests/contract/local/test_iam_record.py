"""Each decision about a call leaves a line that says who asked, and can be judged again."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import LOGS, PYTHON, ROOT, allow
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

PARAMETER = "arn:aws:ssm:eu-central-1:000000000000:parameter/record/known"

FUNCTION = """
import boto3
def handler(event, context):
    boto3.client("ssm").get_parameter(Name="/record/known")
    root = dict(aws_access_key_id="test", aws_secret_access_key="test", aws_session_token="")
    boto3.client("sts", **root).get_caller_identity()
    boto3.client("ssm", **root).describe_parameters()
"""


def recorded(cloud: Cloud, action: str, role: str) -> dict[str, Any]:
    def look() -> list[dict[str, Any]]:
        return [call for call in cloud.calls(action) if f"/{role}/" in call["principal"]]

    return eventually(look, within=3)[-1]


def test_allowed_and_refused_calls_are_recorded_with_their_resource(cloud: Cloud) -> None:
    cloud.client("ssm").put_parameter(Name="/record/known", Value="x", Type="String")
    ssm = cloud.session("ssm", "record-caller", allow("ssm:GetParameter", PARAMETER))

    ssm.get_parameter(Name="/record/known")
    with pytest.raises(ClientError, match="not authorized"):
        ssm.delete_parameter(Name="/record/known")

    call = recorded(cloud, "ssm:GetParameter", "record-caller")
    assert (call["allowed"], call["resource"]) == (True, PARAMETER)
    assert call["principal"].endswith("assumed-role/record-caller/test")
    assert call["context"]["region"] == "eu-central-1"
    assert recorded(cloud, "ssm:DeleteParameter", "record-caller")["allowed"] is False


def test_replay_names_unused_grants_removable_statements_and_root_in_functions(
    cloud: Cloud,
) -> None:
    cloud.client("ssm").put_parameter(
        Name="/record/known", Value="x", Type="String", Overwrite=True
    )
    used = allow("ssm:GetParameter", [PARAMETER, PARAMETER + "/never"], Sid="Used")
    never = allow("sqs:SendMessage", "*", Sid="Never")
    role = cloud.role("streamflix-record-function-test", used, never, LOGS | {"Sid": "Logs"})
    cloud.function("record-function", FUNCTION, role, Timeout=20)

    assert cloud.invoke("record-function") == (None, None)
    recorded(cloud, "ssm:GetParameter", "streamflix-record-function-test")
    (cloud.home / "port-base").write_text(str(cloud.port))
    command = [PYTHON, "-m", "local.iam_replay", "--home", str(cloud.home), "--suffix", "test"]
    answer = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)

    unused = {(each["statement"], each["action"], each["resource"]) for each in answer["unused"]}
    assert ("Never", "sqs:SendMessage", "*") in unused
    assert ("Used", "ssm:GetParameter", PARAMETER + "/never") in unused
    assert ("Used", "ssm:GetParameter", PARAMETER) not in unused
    assert [each["statement"] for each in answer["removable"]] == ["Never"]
    asked_as_root = {call["action"] for call in answer["root_from_functions"]}
    assert {"sts:GetCallerIdentity", "ssm:DescribeParameters"} <= asked_as_root
