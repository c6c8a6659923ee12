"""Gap: a key's policy is not told whose account calls (``kms:CallerAccount``) when KMS is called.

Policies that let in an account by it, which is what AWS's own examples do, then let nobody in.

Test: tests/contract/local/test_kms_caller_account.py
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.core.iam_evaluator:_resolve_condition_key",)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_evaluator._resolve_condition_key = _naming_account(iam_evaluator._resolve_condition_key)


def _naming_account(resolve: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    @functools.wraps(resolve)
    def resolving(key: str, asked: Any) -> Any:
        value = resolve(key, asked)
        if value is None and key.lower() == "kms:calleraccount":
            return asked.principal_account
        return value

    return resolving
