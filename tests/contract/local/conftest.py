"""A laptop cloud of these tests' own: the launcher without databases that nobody asks for."""

from __future__ import annotations

import functools
import io
import json
import os
import socket
import subprocess
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.eventually import eventually
from tests.ports import free_range

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
PYTHON = str(ROOT / ".local/venvs/cloud/bin/python")
LAUNCHER = (PYTHON, "-m", "local.launcher")
REGION = "eu-central-1"
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Cloud:
    """A running launcher, as an account owner sees it."""

    port: int
    home: Path

    @functools.cache  # noqa: B019 - lives as long as the session
    def client(self, service: str, key: str = "test", secret: str = "test", token: str = "") -> Any:
        session: Any = boto3.session.Session()
        return session.client(
            service,
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token or None,
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )

    def url_of(self, template: dict[str, Any]) -> str:
        """Upload a child's template."""
        key = f"{uuid.uuid4().hex}.json"
        body = json.dumps(template)
        self.client("s3").put_object(Bucket="templates", Key=key, Body=body)
        return f"http://127.0.0.1:{self.port}/templates/{key}"

    def deploy(self, name: str, resources: dict[str, Any], **rest: Any) -> dict[str, Any]:
        """Create or update a stack and wait for its end. `rest`: other sections of the template."""
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources} | rest
        cloudformation = self.client("cloudformation")
        known = {each["StackName"] for each in cloudformation.list_stacks()["StackSummaries"]}
        operation = "update_stack" if name in known else "create_stack"
        getattr(cloudformation, operation)(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        return self.settled(name)

    def settled(self, name: str, within: float = 30) -> dict[str, Any]:
        return eventually(
            lambda: self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0],
            within,
            lambda stack: not stack["StackStatus"].endswith("IN_PROGRESS"),
        )

    def delete(self, name: str) -> None:
        identity = self.settled(name)["StackId"]
        self.client("cloudformation").delete_stack(StackName=name)
        assert self.settled(identity)["StackStatus"] == "DELETE_COMPLETE"

    def parameter(self, name: str) -> str | None:
        ssm = self.client("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return None

    def role(self, name: str, *statements: dict[str, Any]) -> str:
        """A role, for functions and for `session`, that may do this and nothing else."""
        iam = self.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "lambda.amazonaws.com", "AWS": ACCOUNT},
                }
            ],
        }
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        if statements:
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        return str(made["Arn"])

    def session(self, service: str, role: str, *statements: dict[str, Any]) -> Any:
        """A client with the credentials of a session of a new role that may do this."""
        arn = self.role(role, *statements)
        answer = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
        keys = answer["Credentials"]
        return self.client(
            service, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )

    def key(self) -> str:
        """A customer's KMS key whose use is left to identity policies."""
        anybody = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        policy = {"Version": "2012-10-17", "Statement": [allow("kms:*", "*", Principal=anybody)]}
        answer = self.client("kms").create_key(Policy=json.dumps(policy))
        return str(answer["KeyMetadata"]["Arn"])

    def log_of(self, group: str) -> list[str]:
        """The lines of a log group, or none when it is not there."""
        logs = self.client("logs")
        try:
            found = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found]

    def calls(self, action: str) -> list[dict[str, Any]]:
        """The recorded calls of this action, a second late at most."""
        lines = (self.home / "iam.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        whole = (json.loads(line) for line in lines if line.endswith("\n"))
        return [call for call in whole if call["action"] == action]

    def function(self, name: str, code: str, role: str = "", **settings: Any) -> str:
        """A Python function whose module is `code`, with `handler(event, context)`."""
        answer = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.14",
            Handler="index.handler",
            Role=role or self.role(f"{name}-role", LOGS),
            Code={"ZipFile": zipped(code)},
            **settings,
        )
        return str(answer["FunctionArn"])

    def invoke(self, name: str, event: object = None) -> tuple[str | None, Any]:
        """The function error, if any, and the answer."""
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def allow(action: str | list[str], resource: str | list[str], **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def refusal(call: Any, **arguments: Any) -> str:
    """The code that the service refuses this call with, or "none"."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "none"


LOGS = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*")


def zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", code)
    return buffer.getvalue()


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    root = tmp_path_factory.mktemp("checkout")
    base = free_range(100)
    log = (root / "launcher.log").open("wb")
    kept = {
        key: os.environ[key]
        for key in ("PATH", "HOME", "STREAMFLIX_HOOKS_OFF")
        if key in os.environ
    }
    process = subprocess.Popen(
        [*LAUNCHER, "--instance", "contract", "--root", root],
        cwd=ROOT,
        env=kept | {"STREAMFLIX_PORT_BASE": str(base)},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        eventually(lambda: process.poll() is not None or listening(base + 50), within=30)
        assert process.poll() is None, (root / "launcher.log").read_text()
        running = Cloud(base + 50, root / ".local/contract")
        running.client("s3").create_bucket(
            Bucket="templates", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield running
    finally:
        process.terminate()
        process.wait(timeout=20)
        log.close()
