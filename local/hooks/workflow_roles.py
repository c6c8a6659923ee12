"""Gap: a state machine calls services, and a rule starts it, without asking the role given for it.

Here IAM is asked, and the question recorded, in the role's name: for each call through an SDK
integration, for each Lambda function, and for each start by a rule.

Not emulated: the same for the other optimized integrations, and trust policies.

Test: tests/contract/local/test_workflow_roles.py
"""

from __future__ import annotations

import contextvars
import functools
import logging
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import eventbridge, stepfunctions

from local import authorization

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.app:_routing_params",
    "ministack.app:call_service_handler_sync",
    "ministack.core.iam_actions:access_denied_response",
    "ministack.core.iam_actions:extract_iam_action",
    "ministack.core.iam_actions:extract_resource_arn",
    "ministack.core.iam_actions:request_tag_context",
    "ministack.core.router:detect_service",
    "ministack.services.eventbridge:_invoke_target",
    "ministack.services.stepfunctions:_ExecutionError",
    "ministack.services.stepfunctions:_call_lambda",
    "ministack.services.stepfunctions:_executions",
    "ministack.services.stepfunctions:_run_execution",
    "ministack.services.stepfunctions:_state_machines",
)
TYPES: tuple[str, ...] = ()

logger = logging.getLogger("streamflix.workflows")

_role = contextvars.ContextVar("streamflix_workflow_role", default="")
_session = contextvars.ContextVar("streamflix_workflow_session", default="")


def install(cloud: Cloud) -> None:  # noqa: ARG001
    stepfunctions._run_execution = _in_its_role(stepfunctions._run_execution)
    stepfunctions._call_lambda = _invoking(stepfunctions._call_lambda)
    app.call_service_handler_sync = _calling(app.call_service_handler_sync)
    eventbridge._invoke_target = _starting(eventbridge._invoke_target)


def _in_its_role(stock: Callable[[str], None]) -> Callable[[str], None]:
    def run(arn: str) -> None:
        execution = stepfunctions._executions[arn]
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"], {})
        _role.set(machine.get("roleArn", ""))
        _session.set(execution["name"])
        stock(arn)

    @functools.wraps(stock)
    def apart(arn: str) -> None:
        contextvars.copy_context().run(run, arn)

    return apart


def _calling(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def call(
        handler: Any,
        method: str,
        path: str,
        headers: dict[str, str],
        body: str | bytes,
        query: dict[str, Any],
        *more: Any,
    ) -> Any:
        if role := _role.get():
            sent = body.encode() if isinstance(body, str) else body or b""
            if refused := _refusal(role, method, path, headers, sent, query):
                return refused
        return stock(handler, method, path, headers, body, query, *more)

    return call


def _refusal(
    role: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Any:
    """The service's answer to a role that may not do this."""
    request = method, path, headers, body, app._routing_params(method, path, headers, body, query)
    service = router.detect_service(method, path, headers, request[-1])
    action = iam_actions.extract_iam_action(service, *request)
    if action is None:
        return None
    resource = iam_actions.extract_resource_arn(service, *request, get_region(), get_account_id())
    context = iam_actions.request_tag_context(service, action, body, request[-1])
    if authorization.role_may(role, _session.get(), action, resource, context):
        return None
    return iam_actions.access_denied_response(
        service, action, role, new_uuid(), headers=headers, resource_arn=resource
    )


def _invoking(stock: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    @functools.wraps(stock)
    def invoke(function: str, event: Any) -> Any:
        scope = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function"
        arn = function if function.startswith("arn:") else f"{scope}:{function}"
        role, action = _role.get(), "lambda:InvokeFunction"
        if role and not authorization.role_may(role, _session.get(), action, arn):
            told = f"User: {role} is not authorized to perform: {action} on resource: {arn}"
            raise stepfunctions._ExecutionError("Lambda.AccessDeniedException", told)
        return stock(function, event)

    return invoke


def _starting(stock: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(stock)
    def start(target: dict[str, Any], event: Any, rule: dict[str, Any], *more: Any) -> None:
        arn, role, action = target["Arn"], target.get("RoleArn"), "states:StartExecution"
        if arn.startswith("arn:aws:states:") and not (
            role and authorization.role_may(role, rule["Name"], action, arn)
        ):
            logger.warning("rule %s started nothing: %s may not do so", rule["Name"], role)
            return
        stock(target, event, rule, *more)

    return start
