"""The seven secrets that exist before the stack, and the parameters that tell it their ARNs.

Nothing here reads a secret's value, and nothing replaces one: rotation owns what exists.
"""

from __future__ import annotations

import json
import secrets as randomness
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from account.guard import Account

DATABASE = "streamflix"

# Letters and digits only: legal for Aurora (8-99 characters without / " @ and space) and for
# ElastiCache (16-128, no quotes or spaces), and the same in every DSN and URL.
PASSWORD_LENGTH = 48
_ALPHABET = string.ascii_letters + string.digits

LOGINS = ("master", "app", "analytics", "privacy", "recovery", "redis/app", "redis/ops")


@dataclass(frozen=True, slots=True)
class Provided:
    """One secret after the run."""

    name: str
    arn: str
    created: bool


def secret_name(environment: str, login: str) -> str:
    store = login if "/" in login else f"aurora/{login}"
    return f"streamflix/{environment}/{store}"


def parameter_name(environment: str, login: str) -> str:
    return f"/streamflix/{environment}/secret-arn/{login}"


def provide(account: Account) -> Iterator[Provided]:
    """Create what is missing, then tell the stack where to find it, one login after the other.

    Safe to repeat, to interrupt and to run twice at once. Raises: `Refusal`.
    """
    vault, book = account.client("secretsmanager"), account.client("ssm")
    for login in LOGINS:
        one = _provide_one(vault, account.environment, login)
        _publish(book, account.environment, login, one.arn)
        yield one


def password() -> str:
    """48 letters and digits, 285 bits; of each kind at least one, as password policies demand."""
    while True:
        word = "".join(randomness.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))
        if all(
            any(letter in kind for letter in word)
            for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits)
        ):
            return word


def content(login: str) -> str:
    """A fresh secret, in the JSON that AWS documents. It names no host: the address book does."""
    user = login.removeprefix("redis/")
    value = {"username": user, "password": password()}
    if user == login:
        value = {"engine": "postgres", **value, "dbname": DATABASE}
    return json.dumps(value)


def _provide_one(vault: Any, environment: str, login: str) -> Provided:
    name = secret_name(environment, login)
    found = _find(vault, name)
    if found is None:
        try:
            arn = vault.create_secret(
                Name=name,
                Description=f"{login} of StreamFlix {environment}. Rotated every 30 days.",
                SecretString=content(login),
                Tags=_tags(environment),
            )["ARN"]
        except vault.exceptions.ResourceExistsException:
            found = _find(vault, name)  # somebody ran with us, or it is being deleted
        else:
            return Provided(name, arn, created=True)
    if found is None or "DeletedDate" in found:
        raise Refusal(
            f"The secret {name} is scheduled for deletion. Bring it back with "
            f"`aws secretsmanager restore-secret --secret-id {name}`, then try again."
        )
    if not any("AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values()):
        raise Refusal(
            f"The secret {name} exists and holds no value. Delete it with `aws secretsmanager "
            f"delete-secret --force-delete-without-recovery --secret-id {name}`, then try again."
        )
    return Provided(name, found["ARN"], created=False)


def _find(vault: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = vault.describe_secret(SecretId=name)
    except vault.exceptions.ResourceNotFoundException:
        return None
    return found


def _publish(book: Any, environment: str, login: str, arn: str) -> None:
    name = parameter_name(environment, login)
    try:
        if book.get_parameter(Name=name)["Parameter"]["Value"] == arn:
            return
    except book.exceptions.ParameterNotFound:
        book.put_parameter(
            Name=name,
            Description=f"Where the stack finds the secret of {login}",
            Type="String",
            Value=arn,
            Tags=_tags(environment),
        )
        return
    # The secret was deleted and made anew: its ARN ends differently.
    book.put_parameter(Name=name, Type="String", Value=arn, Overwrite=True)


def _tags(environment: str) -> list[dict[str, str]]:
    tags = {
        "Project": "streamflix",
        "Environment": environment,
        "Owner": "data-platform",
        "CostCenter": "streamflix-data",
        "DataClass": "operational",
        "Retention": "environment",
    }
    return [{"Key": key, "Value": value} for key, value in tags.items()]
