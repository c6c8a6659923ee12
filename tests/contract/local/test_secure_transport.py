"""The gateway stands for AWS's TLS endpoints: a policy that demands TLS lets callers in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

ARN = "arn:aws:sqs:eu-central-1:000000000000:tls-queue"


def test_a_queue_that_demands_tls_takes_a_message(cloud: Cloud) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": ARN,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    queue = cloud.client("sqs").create_queue(QueueName="tls-queue", Attributes={"Policy": policy})

    sqs = cloud.session("sqs", "tls-sender", allow("sqs:SendMessage", ARN))

    assert sqs.send_message(QueueUrl=queue["QueueUrl"], MessageBody="x")["MessageId"]
