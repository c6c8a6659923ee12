"""Gap: a protected load balancer is deleted all the same, and CloudFormation drops attributes.

On AWS a delete fails while ``deletion_protection.enabled`` is true, by API as by CloudFormation,
a listener has its attributes from the first minute, and a target group's full name, which metrics
bear, begins with ``targetgroup/``.

Test: tests/contract/local/test_types_balancer.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import alb
from ministack.services.cloudformation import provisioners

from local import gateway, resource_types

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud
    from local.resource_types import Created, Properties

    Parameters = dict[str, Any]
    Answer = tuple[int, dict[str, str], bytes]
    Action = Callable[[Parameters], Answer]

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
PROTECTED = {"Key": "deletion_protection.enabled", "Value": "true"}
PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    "ministack.services.alb:_ACTION_MAP",
    "ministack.services.alb:_error",
    "ministack.services.alb:_lb_attrs",
    "ministack.services.alb:_p",
    "ministack.services.alb:_target_group_full_name_from_arn",
    "ministack.services.cloudformation.provisioners:_elbv2_listener_create",
    "ministack.services.cloudformation.provisioners:_elbv2_load_balancer_delete",
)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    alb._ACTION_MAP["DeleteLoadBalancer"] = unless_protected(alb._ACTION_MAP["DeleteLoadBalancer"])
    alb._target_group_full_name_from_arn = lambda arn: arn.rpartition(":")[2]
    provisioners._RESOURCE_HANDLERS[LOAD_BALANCER] |= {"delete": delete}
    provisioners._RESOURCE_HANDLERS[LISTENER] |= {"create": create_listener}
    resource_types.on_a_thread(LOAD_BALANCER, LISTENER)


def unless_protected(stock: Action) -> Action:
    def run(parameters: Parameters) -> Answer:
        arn = alb._p(parameters, "LoadBalancerArn")
        if PROTECTED not in alb._lb_attrs.get(arn, []):
            return stock(parameters)
        reason = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        refused: Answer = alb._error("OperationNotPermitted", reason)
        return refused

    return run


def delete(arn: str, properties: Properties) -> None:
    """Raises: what ELB says of a load balancer that is protected."""
    gateway.call("elbv2", "DeleteLoadBalancer", {"LoadBalancerArn": arn})
    provisioners._elbv2_load_balancer_delete(arn, properties)


def create_listener(logical_id: str, properties: Properties, stack: str) -> Created:
    made: Created = provisioners._elbv2_listener_create(logical_id, properties, stack)
    if wanted := properties.get("ListenerAttributes"):
        arguments = {"ListenerArn": made[0], "Attributes": wanted}
        gateway.call("elbv2", "ModifyListenerAttributes", arguments)
    return made
