"""The default bus hears of each status of a stack and of its children."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

KIND = "AWS::CloudFormation::Stack"


def test_a_rule_hears_of_a_stack_and_its_child_from_creation_to_deletion(cloud: Cloud) -> None:
    sqs, events = cloud.client("sqs"), cloud.client("events")
    queue = sqs.create_queue(QueueName="stack-events")["QueueUrl"]
    kind = "CloudFormation Stack Status Change"
    pattern = {"source": ["aws.cloudformation"], "detail-type": [kind]}
    events.put_rule(Name="stack-events", EventPattern=json.dumps(pattern))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:eu-central-1:000000000000:stack-events"}
    events.put_targets(Rule="stack-events", Targets=[target])
    heard: list[dict[str, Any]] = []

    def statuses(stack: str) -> list[str]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            heard.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        ours = [each["detail"] for each in heard if f":stack/{stack}" in each["detail"]["stack-id"]]
        return [each["status-details"]["status"] for each in ours]

    child = {"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {}}}}
    child["Resources"]["P"]["Properties"] = {"Name": "/events", "Type": "String", "Value": "x"}
    nested = {"Type": KIND, "Properties": {"TemplateURL": cloud.url_of(child)}}
    made = cloud.deploy("stack-events", {"Child": nested})
    cloud.delete("stack-events")

    whole = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    eventually(lambda: statuses("stack-events/"), 10, lambda seen: seen == whole)
    assert statuses("stack-events-Child-") == whole
    first = next(each for each in heard if each["detail"]["stack-id"] == made["StackId"])
    assert first["resources"] == [made["StackId"]]
    assert first["detail"]["status-details"] == {
        "status": "CREATE_IN_PROGRESS",
        "status-reason": "User Initiated",
    }
    events.remove_targets(Rule="stack-events", Ids=["queue"])
    events.delete_rule(Name="stack-events")
