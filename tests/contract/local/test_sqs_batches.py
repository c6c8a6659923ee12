"""A batch of messages needs the same grant as one message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def test_who_may_send_one_message_may_send_a_batch_and_nothing_else(cloud: Cloud) -> None:
    url = cloud.client("sqs").create_queue(QueueName="batches")["QueueUrl"]
    arn = "arn:aws:sqs:eu-central-1:000000000000:batches"
    sqs = cloud.session("sqs", "sender", allow("sqs:SendMessage", [arn]))
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(3)]

    assert len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 3
    with pytest.raises(ClientError, match="sqs:DeleteMessage"):
        sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": "x"}])
