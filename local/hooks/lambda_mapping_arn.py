"""Gap: who looks at one event source mapping is judged as who lists them all, and who changes or
deletes one is not judged.

A grant of `lambda:GetEventSourceMapping` on a mapping would then grant nothing, and everybody who
has keys could stop a stream.

Test: tests/contract/local/test_lambda_mapping_arn.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ministack.core import iam_actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.core.iam_actions:_lambda_action",)
TYPES: tuple[str, ...] = ()

COLLECTION = "event-source-mappings"
ACTIONS = {
    "GET": "GetEventSourceMapping",
    "PUT": "UpdateEventSourceMapping",
    "DELETE": "DeleteEventSourceMapping",
}
"""Of one mapping, by the method of the request."""


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_actions._lambda_action = _knowing_one(iam_actions._lambda_action)


def _knowing_one(stock: Callable[[str, str], str | None]) -> Callable[[str, str], str | None]:
    @functools.wraps(stock)
    def naming(method: str, path: str) -> str | None:
        match path.strip("/").split("/"):
            case [_, collection, _] if collection == COLLECTION:
                return ACTIONS.get(method)
            case _:
                return stock(method, path)

    return naming
