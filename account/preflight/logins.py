"""The seven secrets: there, readable, well-formed, known to the stack, and at rest."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

from account import secrets
from account.preflight.finding import Check, Finding, Look, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 16
"""Characters. ElastiCache demands them; for a database less would be negligent."""
LONGEST = {"aurora": 99, "redis": 128}
FEWEST_DIFFERENT = 8

_PRINTABLE = set(string.ascii_letters + string.digits + string.punctuation)
ALLOWED = {
    "aurora": _PRINTABLE - set("/\"@'\\"),
    "redis": set(string.ascii_letters + string.digits + "!&#$^<>-"),
}

# Their rotation alternates between the login and its twin.
TWINS = ("analytics", "privacy", "recovery")


def faults(login: str, text: str, master: str) -> list[str]:
    """What is wrong with a secret's text; says nothing of what is in it."""
    try:
        value = json.loads(text)
    except ValueError:
        return ["is not JSON"]
    if not isinstance(value, dict):
        return ["is no JSON object"]
    found = [
        f"lacks {key}" for key in ("username", "password") if not isinstance(value.get(key), str)
    ]
    return found or [*_user_faults(login, value, master), *_password_faults(login, value)]


def _user_faults(login: str, value: dict[str, Any], master: str) -> Iterator[str]:
    user = login.removeprefix("redis/")
    wanted = {master} if login == "master" else {user}
    if login in TWINS:
        wanted.add(f"{user}_clone")
    if value["username"] not in wanted:
        yield f"names another user than {' or '.join(sorted(wanted))}"
    if "/" not in login:
        for key, text in (("engine", "postgres"), ("dbname", secrets.DATABASE)):
            if value.get(key, text) != text and not str(value[key]).endswith(text):
                yield f"has another {key} than {text}"


def _password_faults(login: str, value: dict[str, Any]) -> Iterator[str]:
    store = "redis" if "/" in login else "aurora"
    word = value["password"]
    if not SHORTEST <= len(word) <= LONGEST[store]:
        yield f"has a password of {len(word)} characters, not {SHORTEST} to {LONGEST[store]}"
    if not set(word) <= ALLOWED[store]:
        yield "has a character in its password that the store refuses"
    if len(set(word)) < FEWEST_DIFFERENT or value["username"] in word:
        yield "has a password that can be guessed"


def _well_formed(look: Look) -> Iterator[Finding]:
    vault, master = look.at("secretsmanager"), look.plan.child("MasterUsername")
    for login in secrets.LOGINS:
        name = secrets.secret_name(look.environment, login)
        check = f"secret {login}"
        try:
            text = vault.get_secret_value(SecretId=name).get("SecretString", "")
        except vault.exceptions.ResourceNotFoundException:
            yield fails(
                check, "missing, or without a value", f"make secrets ENV={look.environment}"
            )
            continue
        except vault.exceptions.InvalidRequestException:
            yield fails(
                check,
                "is being deleted",
                f"aws secretsmanager restore-secret --secret-id {name}",
            )
            continue
        wrong = faults(login, text, master)
        if wrong:
            yield fails(check, "; ".join(wrong), _mend(name))
        else:
            yield Finding(check, "well-formed")


def _mend(name: str) -> str:
    return (
        f"Correct it with `aws secretsmanager put-secret-value --secret-id {name}` before the "
        "first deploy; afterwards rotate it, because the store must learn the same word."
    )


def _published(look: Look) -> Iterator[Finding]:
    vault, book = look.at("secretsmanager"), look.at("ssm")
    names = {login: secrets.parameter_name(look.environment, login) for login in secrets.LOGINS}
    answer = book.get_parameters(Names=list(names.values()))["Parameters"]
    found = {each["Name"]: each["Value"] for each in answer}
    remedy = f"make secrets ENV={look.environment}"
    wrong = 0
    for login, name in names.items():
        arn = _describe(vault, secrets.secret_name(look.environment, login)).get("ARN")
        if arn is not None and found.get(name) != arn:
            wrong += 1
            have = "names another secret" if name in found else "missing"
            yield fails(f"parameter {name}", have, remedy)
    if not wrong:
        yield Finding("secret ARN parameters", f"{len(found)} agree with the secrets")


def _keys(look: Look) -> Iterator[Finding]:
    vault, told = look.at("secretsmanager"), look.plan.get("SecretsKmsKeyArn")
    keys = {
        login: _describe(vault, secrets.secret_name(look.environment, login)).get("KmsKeyId", "")
        for login in secrets.LOGINS
    }
    strangers = [
        login for login, key in keys.items() if key not in (told, "") and not _accounts_own(key)
    ]
    if strangers:
        yield fails(
            "key of the secrets",
            f"{', '.join(strangers)}: encrypted with a key that the stack does not know",
            f"Set SecretsKmsKeyArn in samconfig.toml, block {look.environment}: one key for all.",
        )
    else:
        yield Finding("key of the secrets", told or "aws/secretsmanager")


def _accounts_own(key: str) -> bool:
    return key.endswith("alias/aws/secretsmanager")


def _at_rest(look: Look) -> Iterator[Finding]:
    """A version that waits for promotion would be overwritten or believed by a deploy."""
    vault = look.at("secretsmanager")
    waiting = [
        login
        for login in secrets.LOGINS
        for stages in _describe(vault, secrets.secret_name(look.environment, login))
        .get("VersionIdsToStages", {})
        .values()
        if "AWSPENDING" in stages and "AWSCURRENT" not in stages
    ]
    if waiting:
        yield fails(
            "rotation in flight",
            f"AWSPENDING differs from AWSCURRENT: {', '.join(waiting)}",
            "Let it end, a deploy now could push the old password back. If it has stopped, "
            f"`make rotate SECRET={waiting[0]} ENV={look.environment}` goes on with it.",
        )
    else:
        yield Finding("rotation in flight", "none")


def _describe(vault: Any, name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = vault.describe_secret(SecretId=name)
    except vault.exceptions.ResourceNotFoundException:
        return {}  # `_well_formed` says so
    return found


CHECKS = (
    Check("secrets", _well_formed),
    Check("secret ARN parameters", _published),
    Check("key of the secrets", _keys),
    Check("rotation in flight", _at_rest),
)
