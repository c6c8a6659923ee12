"""Gap: MiniStack knows no Application Auto Scaling: neither its API nor its CloudFormation types.

Targets are registered, by the API as by a stack, and told; of a policy its ARN is all that is kept.
No reader and no task comes or goes by load, so a suspension suspends nothing. What AWS refuses at
once is refused here: a maximum below the minimum, a stack's second registration of a target, a
policy without a target, a cluster that is not there. A registration is judged on the target's
opaque ARN and its own conditions; that of a cluster needs what `local.scaling_rights` says as well.

Test: tests/contract/local/test_application_autoscaling.py
"""

from __future__ import annotations

import asyncio
import functools
import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import SERVICE_PATTERNS, extract_access_key_id

from local import resource_arns, resource_types, scalable_targets, scaling_rights
from local.scalable_targets import SERVICE, RegistrationRefused, ScalableTargets, identity_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud
    from local.resource_arns import Call
    from local.resource_types import Created, Properties

    Answer = tuple[int, dict[str, str], bytes]

PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    *scalable_targets.PATCHES,
    *scaling_rights.PATCHES,
    "ministack.app:SERVICE_HANDLERS",
    "ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.iam_actions:request_tag_context",
    "ministack.core.router:SERVICE_PATTERNS",
    "ministack.core.router:extract_access_key_id",
)
TYPES: tuple[str, ...] = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    targets = ScalableTargets()
    _install_types(targets)
    app.SERVICE_HANDLERS[SERVICE] = _handler(targets)
    # Else the first call makes MiniStack read botocore's whole catalogue, and everybody waits 3 s.
    SERVICE_PATTERNS[SERVICE] = {}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    resource_arns.name_by(functools.partial(_resource, targets))
    iam_actions.request_tag_context = _naming_the_target(iam_actions.request_tag_context)


# A stack's


def _install_types(targets: ScalableTargets) -> None:
    def create(_: str, properties: Properties, __: str) -> Created:
        identity = identity_of(properties)
        if targets.get(identity):
            raise ValueError(f"{identity} is registered already")
        targets.register(properties)
        return identity, {"Id": identity}

    def update(identity: str, _: Properties, new: Properties, stack: str, name: str) -> Created:
        """In place; a suspension that the template does not speak of stays."""
        if identity_of(new) != identity:
            return create(name, new, stack)
        targets.register(new)
        return identity, {"Id": identity}

    def delete(identity: str, _: Properties) -> None:
        targets.forget(identity)

    def create_policy(_: str, properties: Properties, __: str) -> Created:
        target = properties.get("ScalingTargetId") or identity_of(properties)
        if not targets.get(target):
            raise ValueError(f"No scalable target registered for {target}")
        resource, _dimension, namespace = str(target).split("|")
        arn = (
            f"arn:aws:autoscaling:{get_region()}:{get_account_id()}:scalingPolicy:{uuid.uuid4()}"
            f":resource/{namespace}/{resource}:policyName/{properties['PolicyName']}"
        )
        return arn, {"Arn": arn}

    def delete_policy(_: str, __: Properties) -> None:
        """Nothing is kept of a policy."""

    resource_types.register(TYPES[0], create, delete, update)
    resource_types.register(TYPES[1], create_policy, delete_policy)


# The API


def _handler(targets: ScalableTargets) -> Callable[..., Any]:
    async def handle(
        _: str, __: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        """On a thread: to bring up a service's tasks is a call of its own."""
        action, key = headers.get("x-amz-target", ""), extract_access_key_id(headers, query)
        asked = json.loads(body or b"{}")
        return await asyncio.to_thread(_answer, targets, action.rpartition(".")[2], asked, key)

    return handle


def _answer(targets: ScalableTargets, action: str, asked: dict[str, Any], key: str) -> Answer:
    try:
        if action == "RegisterScalableTarget":
            _check_rights(asked, key)
            arn = targets.register(asked)["ScalableTargetARN"]
            return _told(HTTPStatus.OK, {"ScalableTargetARN": arn})
        if action == "DescribeScalableTargets":
            found = targets.matching(asked, asked.get("ResourceIds") or ())
            return _told(HTTPStatus.OK, {"ScalableTargets": found})
    except RegistrationRefused as refusal:
        return _refused("ValidationException", str(refusal))
    return _refused("UnknownOperationException", f"The laptop cloud has no {action}.")


def _check_rights(asked: dict[str, Any], access_key: str) -> None:
    """Of a cluster's registrar. Raises: `RegistrationRefused`."""
    if asked["ServiceNamespace"] == "rds":
        cluster = scalable_targets.cluster_of(asked)
        if lacking := scaling_rights.lacking(access_key, cluster):
            raise RegistrationRefused(f"The caller lacks the permission for: {', '.join(lacking)}")


def _refused(code: str, message: str) -> Answer:
    return _told(HTTPStatus.BAD_REQUEST, {"__type": code, "message": message})


def _told(status: int, content: dict[str, Any]) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


# What a call is judged on


def _resource(targets: ScalableTargets, call: Call) -> str | None:
    if call.service != SERVICE:
        return None
    if call.action.startswith("Describe"):
        return "*"
    known = targets.get(identity_of(json.loads(call.body or b"{}")))
    return str(known["ScalableTargetARN"]) if known else f"{call.scope}:scalable-target/*"


def _naming_the_target(stock: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @functools.wraps(stock)
    def telling(service: str, action: str, body: bytes, parameters: Any) -> dict[str, Any]:
        told = stock(service, action, body, parameters)
        if service != SERVICE or not body.startswith(b"{"):
            return told
        asked = json.loads(body)
        named = {
            f"{SERVICE}:service-namespace": asked.get("ServiceNamespace"),
            f"{SERVICE}:scalable-dimension": asked.get("ScalableDimension"),
        }
        return told | {key: value for key, value in named.items() if value}

    return telling
