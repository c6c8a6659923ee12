"""What Secrets Manager itself says about a secret: who rotates it, when next, what is in flight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003  a dataclass names its fields' types
from typing import TYPE_CHECKING, Any

from account import secrets
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


@dataclass(frozen=True, slots=True)
class Secret:
    """One DescribeSecret."""

    name: str
    stages: Mapping[str, tuple[str, ...]]
    """Labels by version."""
    enabled: bool
    function: str
    rules: Mapping[str, Any]
    due: datetime | None

    @property
    def cancelled(self) -> bool:
        """Somebody turned the rotation off that the stack had set up."""
        return not self.enabled and bool(self.function and self.rules)

    @property
    def in_flight(self) -> str:
        """The version that waits for promotion; empty when none does."""
        waiting = (v for v, at in self.stages.items() if PENDING in at and CURRENT not in at)
        return next(waiting, "")


def describe(vault: Any, environment: str, login: str) -> Secret:
    """Raises: `Refusal` when the secret is missing or being deleted."""
    name = secrets.secret_name(environment, login)
    try:
        found = vault.describe_secret(SecretId=name)
    except vault.exceptions.ResourceNotFoundException:
        raise Refusal(f"There is no secret {name}: make secrets ENV={environment}.") from None
    if "DeletedDate" in found:
        raise Refusal(
            f"The secret {name} is scheduled for deletion. Bring it back with "
            f"`aws secretsmanager restore-secret --secret-id {name}`, then try again."
        )
    return Secret(
        name,
        {version: tuple(at) for version, at in found.get("VersionIdsToStages", {}).items()},
        enabled=found.get("RotationEnabled", False),
        function=found.get("RotationLambdaARN", ""),
        rules=found.get("RotationRules", {}),
        due=found.get("NextRotationDate"),
    )
