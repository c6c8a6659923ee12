"""Who reads or writes what a customer's key encrypts needs the key as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from typing import Any

    from tests.contract.local.conftest import Cloud


def through(service: str, key: str) -> dict[str, Any]:
    condition = {"StringEquals": {"kms:ViaService": f"{service}.eu-central-1.amazonaws.com"}}
    return allow(["kms:Decrypt", "kms:GenerateDataKey"], key, Condition=condition)


def test_a_secret_under_a_key_is_read_only_with_the_key(cloud: Cloud) -> None:
    key = cloud.key()
    secret = cloud.client("secretsmanager").create_secret(
        Name="kms-secret", SecretString="x", KmsKeyId=key
    )["ARN"]
    reads = allow("secretsmanager:GetSecretValue", secret)

    without = cloud.session("secretsmanager", "kms-secret-without", reads)
    elsewhere = cloud.session("secretsmanager", "kms-secret-else", reads, through("sqs", key))
    with_it = cloud.session(
        "secretsmanager", "kms-secret-with", reads, through("secretsmanager", key)
    )

    for refused in (without, elsewhere):
        with pytest.raises(ClientError, match="not authorized to perform: kms:Decrypt"):
            refused.get_secret_value(SecretId=secret)
    assert with_it.get_secret_value(SecretId=secret)["SecretString"] == "x"


def test_a_queue_under_a_key_takes_messages_only_from_who_has_the_key(cloud: Cloud) -> None:
    key = cloud.key()
    queue = cloud.client("sqs").create_queue(
        QueueName="kms-queue", Attributes={"KmsMasterKeyId": key}
    )["QueueUrl"]
    sends = allow("sqs:SendMessage", "arn:aws:sqs:eu-central-1:000000000000:kms-queue")

    without = cloud.session("sqs", "kms-queue-without", sends)
    with_it = cloud.session("sqs", "kms-queue-with", sends, through("sqs", key))

    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        without.send_message(QueueUrl=queue, MessageBody="x")
    assert with_it.send_message(QueueUrl=queue, MessageBody="x")["MessageId"]


def test_a_stream_under_a_key_takes_records_only_from_who_has_the_key(cloud: Cloud) -> None:
    key = cloud.key()
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="kms-stream", ShardCount=1)
    kinesis.start_stream_encryption(StreamName="kms-stream", EncryptionType="KMS", KeyId=key)
    puts = allow("kinesis:PutRecord", "arn:aws:kinesis:eu-central-1:000000000000:stream/kms-stream")
    record = {"StreamName": "kms-stream", "Data": b"x", "PartitionKey": "k"}

    without = cloud.session("kinesis", "kms-stream-without", puts)
    with_it = cloud.session("kinesis", "kms-stream-with", puts, through("kinesis", key))

    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        without.put_record(**record)
    assert with_it.put_record(**record)["SequenceNumber"]
