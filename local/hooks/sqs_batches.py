"""Gap: a batch is judged by an action of its own, `sqs:SendMessageBatch`, that IAM does not know.

On AWS whoever may send, delete or hide one message may do so with ten.

Test: tests/contract/local/test_sqs_batches.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.core import iam_actions

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.core.iam_actions:extract_iam_action",)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_actions.extract_iam_action = _naming_one(iam_actions.extract_iam_action)


def _naming_one(extract: Callable[..., str | None]) -> Callable[..., str | None]:
    @functools.wraps(extract)
    def extracting(service: str, *request: Any) -> str | None:
        action = extract(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    return extracting
