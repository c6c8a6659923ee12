"""Which use of which KMS key stands behind a call, when a customer's key encrypts what it touches.

AWS asks KMS in the caller's name, ``kms:ViaService`` says through whom. Keys of AWS itself
(``alias/aws/…``) serve the whole account and are not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import kinesis, kms, secretsmanager, sns, sqs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATCHES: tuple[str, ...] = (
    "ministack.services.kinesis:_streams",
    "ministack.services.kms:_resolve_key",
    "ministack.services.secretsmanager:_resolve",
    "ministack.services.sns:_topic_by_arn_any_scope",
    "ministack.services.sqs:_queue_by_arn",
)

USES: dict[str, tuple[str, ...]] = {
    "kinesis:GetRecords": ("kms:Decrypt",),
    "kinesis:PutRecord": ("kms:GenerateDataKey",),
    "kinesis:PutRecords": ("kms:GenerateDataKey",),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "secretsmanager:PutSecretValue": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:ReceiveMessage": ("kms:Decrypt",),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
}

Use = tuple[str, str, dict[str, Any]]
"""Action, key ARN, condition keys."""


def uses(action: str, resource: str) -> Iterator[Use]:
    """What KMS is asked for this call; nothing when no customer's key is involved."""
    wanted = USES.get(action, ())
    service = action.partition(":")[0]
    key = wanted and kms._resolve_key(_KEYS[service](resource))
    if not key or key.get("KeyManager") == "AWS":
        return
    context = _ENCRYPTION_CONTEXT.get(service)
    conditions = {
        "kms:ViaService": f"{service}.{get_region()}.amazonaws.com",
        "kms:CallerAccount": get_account_id(),
        **({f"kms:EncryptionContext:{context}": resource} if context else {}),
        "kms:EncryptionContextKeys": [context] if context else [],
    }
    for each in wanted:
        yield each, key["Arn"], conditions


_ENCRYPTION_CONTEXT = {
    "kinesis": "aws:kinesis:arn",
    "secretsmanager": "SecretARN",
    "sns": "aws:sns:topicArn",
    "sqs": "aws:sqs:arn",
}


def _key_of_stream(arn: str) -> Any:
    stream = kinesis._streams.get(arn.rpartition("/")[2])
    return stream and stream.get("KeyId")


def _key_of_secret(arn: str) -> Any:
    _, secret = secretsmanager._resolve(arn)
    return secret and secret.get("KmsKeyId")


def _key_of_topic(arn: str) -> Any:
    topic = sns._topic_by_arn_any_scope(arn)
    return topic and topic["attributes"].get("KmsMasterKeyId")


def _key_of_queue(arn: str) -> Any:
    queue = sqs._queue_by_arn(arn)
    return queue and queue["attributes"].get("KmsMasterKeyId")


_KEYS: dict[str, Callable[[str], Any]] = {
    "kinesis": _key_of_stream,
    "secretsmanager": _key_of_secret,
    "sns": _key_of_topic,
    "sqs": _key_of_queue,
}
