"""Gap: CloudFormation drops a function's reserved concurrency and its file systems, and keeps
numbers in its variables.

Without the first, a function runs more often at once than its template says; without the second, it
finds no files; with the third, it does not start at all.

Test: tests/contract/local/test_lambda_template.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

KIND = "AWS::Lambda::Function"
PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.lambda_svc:_functions",
)
TYPES: tuple[str, ...] = (KIND,)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    stock = provisioners._RESOURCE_HANDLERS[KIND]

    def create(logical_id: str, properties: Properties, stack: str) -> Created:
        made: Created = stock["create"](logical_id, _as_text(properties), stack)
        _complete(made[0], properties)
        return made

    def update(name: str, old: Properties, new: Properties, *rest: Any) -> Created:
        made: Created = stock["update"](name, _as_text(old), _as_text(new), *rest)
        _complete(made[0], new)
        return made

    provisioners._RESOURCE_HANDLERS[KIND] = stock | {"create": create, "update": update}


def _as_text(properties: Properties) -> Properties:
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    texts = {key: _text(value) for key, value in variables.items()}
    return properties | {"Environment": {"Variables": texts}}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _complete(name: str, properties: Properties) -> None:
    reserved = properties.get("ReservedConcurrentExecutions")
    function = lambda_svc._functions[name]
    function["concurrency"] = None if reserved is None else int(reserved)
    function["config"]["FileSystemConfigs"] = properties.get("FileSystemConfigs") or []
