"""One rotation of one secret, as Secrets Manager runs it: four invocations, and all of it again.

The function must let ``secretsmanager.amazonaws.com`` invoke it. What happens is told on the
default event bus, in the words of CloudTrail's service events.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import eventbridge, lambda_svc, secretsmanager

from local import gateway

if TYPE_CHECKING:
    from collections.abc import Callable

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_evaluator:EvalContext",
    "ministack.core.iam_evaluator:evaluate_resource_policy",
    "ministack.services.eventbridge:_put_events",
    "ministack.services.lambda_svc:function_policy_for_arn",
    "ministack.services.secretsmanager:_find_stage_version",
    "ministack.services.secretsmanager:_resolve",
)

VALUE = ("SecretString", "SecretBinary")
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PAUSES = (1.0, 2.0)
"""Seconds before the second and before the third and last attempt. AWS "retries the entire rotation
process multiple times" and does not say when."""

PRINCIPAL = "secretsmanager.amazonaws.com"
NOT_ALLOWED = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy "
    f"grants access to the principal {PRINCIPAL}."
)

logger = logging.getLogger("streamflix.rotation")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rotation:
    """Of this secret (an ARN) to this version."""

    secret: str
    token: str

    def run(self, now: Callable[[], float]) -> None:
        """Until it has succeeded, is given up, or is not wanted any more."""
        self.tell("RotationStarted")
        for pause in (*PAUSES, 0):
            problem = self._attempt()
            record = self._record()
            if problem is None and record is not None:
                record["LastRotatedDate"] = int(now())
                self.tell("RotationSucceeded")
                return
            logger.warning("the rotation of %s failed: %s", self.secret, problem)
            if record is None:
                return
            if not self._version(record)["Stages"]:
                self.tell("RotationAbandoned")  # somebody took the label away
                return
            time.sleep(pause)
        self.tell("RotationFailed")

    def test(self) -> str | None:
        """Invoke testSecret alone, with a copy of what is current under the version's id, which is
        gone afterwards. Returns what went wrong, if anything.
        """
        _, record = secretsmanager._resolve(self.secret)
        _, current = secretsmanager._find_stage_version(record, "AWSCURRENT")
        pending = record["Versions"][self.token]
        pending.update({key: (current or {}).get(key) for key in VALUE})
        self.tell("TestRotationStarted")
        try:
            problem = self.step("testSecret")
        finally:
            record["Versions"].pop(self.token, None)
        self.tell("TestRotationFailed" if problem else "TestRotationSucceeded")
        return problem

    def step(self, step: str) -> str | None:
        """Invoke the function for this step. Returns what went wrong, if anything."""
        record = self._record()
        if record is None:
            return "it was cancelled"
        event = {"Step": step, "SecretId": self.secret, "ClientRequestToken": self.token}
        problem = invoke(record["RotationLambdaARN"], self.secret, event)
        return problem and f"{step}: {problem}"

    def _attempt(self) -> str | None:
        for step in STEPS:
            if problem := self.step(step):
                return problem
            record = self._record()
            if record is None:
                return "it was cancelled"
            version = self._version(record)
            if all(version.get(key) is None for key in VALUE):
                return f"Pending secret version {self.token} was not created by the function."
        return None if "AWSCURRENT" in version["Stages"] else "finishSecret promoted nothing"

    def _record(self) -> Record | None:
        """What Secrets Manager knows of the secret, while it is wanted that it rotates."""
        _, record = secretsmanager._resolve(self.secret)
        wanted = record and record.get("RotationEnabled") and not record.get("DeletedDate")
        return record if wanted else None

    def _version(self, record: Record) -> Record:
        version: Record = record.get("Versions", {}).get(self.token, {"Stages": []})
        return version

    def tell(self, event: str) -> None:
        """Tell the default event bus, as CloudTrail tells it."""
        detail = {
            "eventVersion": "1.08",
            "userIdentity": {"accountId": get_account_id(), "invokedBy": PRINCIPAL},
            "eventTime": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": PRINCIPAL,
            "eventName": event,
            "awsRegion": get_region(),
            "sourceIPAddress": PRINCIPAL,
            "userAgent": PRINCIPAL,
            "requestParameters": None,
            "responseElements": None,
            "additionalEventData": {"SecretId": self.secret},
            "requestID": f"Rotation-{self.secret}-{self.token}",
            "eventID": new_uuid(),
            "readOnly": False,
            "eventType": "AwsServiceEvent",
            "managementEvent": True,
            "recipientAccountId": get_account_id(),
            "eventCategory": "Management",
        }
        entry = {
            "Source": "aws.secretsmanager",
            "DetailType": "AWS Service Event via CloudTrail",
            "Detail": json.dumps(detail),
        }
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def invoke(function: str, secret: str, event: Record) -> str | None:
    """Invoke and wait. Returns what went wrong, if anything."""
    if not allowed(function, secret):
        return NOT_ALLOWED
    try:
        answer = gateway.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
        told = json.loads(answer["Payload"].read() or b"null")
    except (BotoCoreError, ClientError) as error:
        return str(error)
    if "FunctionError" not in answer:
        return None
    return f"{told.get('errorType')}: {told.get('errorMessage')}"


def allowed(function: str, secret: str) -> bool:
    """Whether the function's own policy lets Secrets Manager invoke it for this secret."""
    policy, owner = lambda_svc.function_policy_for_arn(function) or (None, get_account_id())
    asked = iam_evaluator.EvalContext(
        principal_arn="",
        principal_type="AWSService",
        principal_account=owner,
        action="lambda:InvokeFunction",
        resource_arn=function,
        region=get_region(),
        service_context={"aws:sourceaccount": get_account_id(), "aws:sourcearn": secret},
    )
    decision = iam_evaluator.evaluate_resource_policy(policy, asked, service=PRINCIPAL)
    return bool(decision.decision == "Allow")
