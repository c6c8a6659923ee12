"""Gap: CloudFormation does not know rotation schedules of secrets.

The handler here calls RotateSecret and CancelRotateSecret, which `secrets_rotation` makes real: a
function that may not be invoked, or whose testSecret fails, fails the resource.

Not emulated: `HostedRotationLambda`.

Test: tests/contract/local/test_types_rotation.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES = resource_types.PATCHES
TYPES: tuple[str, ...] = ("AWS::SecretsManager::RotationSchedule",)

OVER = {"ResourceNotFoundException", "InvalidRequestException"}
"""What CancelRotateSecret says about a secret that is gone or going."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register(TYPES[0], create, delete, update)


def create(_: str, properties: Properties, __: str) -> Created:
    """Its physical id is the secret's ARN, as AWS has it."""
    if "HostedRotationLambda" in properties:
        raise ValueError("HostedRotationLambda is not emulated: give a RotationLambdaARN.")
    at_once = properties.get("RotateImmediatelyOnUpdate", True)
    wanted = properties | {"RotateImmediately": at_once}
    arn = str(gateway.call("secretsmanager", "RotateSecret", wanted)["ARN"])
    return arn, {"Id": arn}


def update(_: str, __: Properties, new: Properties, stack: str, logical_id: str) -> Created:
    """Another secret is another resource: its ARN is another id, so the old one is deleted."""
    return create(logical_id, new, stack)


def delete(arn: str, _: Properties) -> None:
    try:
        gateway.call("secretsmanager", "CancelRotateSecret", {"SecretId": arn})
    except ClientError as error:
        if error.response["Error"]["Code"] not in OVER:
            raise
