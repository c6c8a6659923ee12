"""Gap: a service encrypts and decrypts for its caller without asking whether that caller may.

On AWS whoever reads a secret, a queue or a stream under a customer's key needs the key as well;
a grant that is missing shows in the account, too late. Here KMS is asked in the caller's name,
and key policies count.

Test: tests/contract/local/test_kms_through_services.py
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator

from local import authorization, encryption

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    *encryption.PATCHES,
    "ministack.core.iam_evaluator:AuthError",
    "ministack.core.iam_evaluator:enforce",
)
TYPES: tuple[str, ...] = ()

CODES = {
    "kinesis": "KMSAccessDeniedException",
    "secretsmanager": "AccessDeniedException",
    "sns": "KMSAccessDenied",
    "sqs": "KMS.AccessDeniedException",
}
"""How each service calls it."""

logger = logging.getLogger("streamflix.kms")


def install(cloud: Cloud) -> None:  # noqa: ARG001
    iam_evaluator.enforce = _enforcing(iam_evaluator.enforce)
    authorization.ALSO_ASKED.append(encryption.uses)


def _enforcing(enforce: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(enforce)
    def enforcing(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", **more: Any
    ) -> Any:
        refused = enforce(key, action, service, region, resource_arn, **more)
        if refused or action not in encryption.USES:
            return refused
        return _asked_of_kms(key, action, region, resource_arn)

    return enforcing


def _asked_of_kms(access_key: str, action: str, region: str, resource: str) -> Any:
    """The refusal, or None."""
    for wanted, key, conditions in encryption.uses(action, resource):
        caller = authorization.refused_caller(access_key, wanted, key, region, conditions)
        if caller:
            logger.warning("%s was refused %s on %s, for %s", caller, wanted, key, action)
            told = f"User: {caller} is not authorized to perform: {wanted} on resource: {key}"
            return iam_evaluator.AuthError(CODES[action.partition(":")[0]], told)
    return None
