"""The workflow of a request: started once per turn, found by its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from privacy.errors import WorkflowUnreachable
from streamflix import aws

if TYPE_CHECKING:
    from privacy.record import Record


class Workflow:
    """An execution is named after its request and its turn: whoever starts it twice starts one.

    Its input is the request's id. Raises everywhere: `WorkflowUnreachable`.
    """

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def start(self, record: Record) -> None:
        """Safe to repeat."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            aws.client("stepfunctions").start_execution(
                stateMachineArn=self._arn,
                name=_name(record),
                input=json.dumps({"request": str(record.request)}),
            )
        except (BotoCoreError, ClientError) as error:
            if aws.reason(error) != "ExecutionAlreadyExists":
                raise WorkflowUnreachable(aws.reason(error)) from None

    def status(self, record: Record) -> str:
        """RUNNING, FAILED, TIMED_OUT, ABORTED, SUCCEEDED; empty when it was never started."""
        from botocore.exceptions import BotoCoreError, ClientError

        execution = f"{self._arn.replace(':stateMachine:', ':execution:')}:{_name(record)}"
        try:
            answer = aws.client("stepfunctions").describe_execution(executionArn=execution)
        except (BotoCoreError, ClientError) as error:
            if aws.reason(error) == "ExecutionDoesNotExist":
                return ""
            raise WorkflowUnreachable(aws.reason(error)) from None
        status: str = answer["status"]
        return status


def _name(record: Record) -> str:
    return f"{record.request}-{record.execution}"
