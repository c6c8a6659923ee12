"""Which account are we about to touch? Asked, shown and confirmed before anything is written."""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REGION = "eu-central-1"
SAMCONFIG = Path(__file__).parent.parent / "samconfig.toml"

# What the laptop's cloud accepts, and no account of AWS ever will.
LAPTOP_KEY = "test"

_AWS_DOMAIN = ".amazonaws.com"


@dataclass(frozen=True, slots=True)
class Account:
    """An account that was looked at; the only maker of clients in this package."""

    environment: str
    number: str
    session: Any

    def __str__(self) -> str:
        return f"account {self.number}, region {REGION}, environment {self.environment}"

    def client(self, service: str, region: str = REGION) -> Any:
        """A client whose address was checked: loopback for local, AWS for every other.

        Another region is for looking at what belongs to us there, such as copies of backups.
        Raises: `Refusal`.
        """
        client = self.session.client(service, region_name=region)
        refuse_address(self.environment, service, client.meta.endpoint_url)
        return client


def environments(samconfig: Path = SAMCONFIG) -> tuple[str, ...]:
    """The blocks of samconfig.toml; whoever copies one under another name has another stack."""
    blocks = tomllib.loads(samconfig.read_text())
    return tuple(name for name in blocks if name not in ("version", "default"))


def identify(environment: str, session: Any) -> Account:
    """Look at region, credentials and addresses, then ask STS whose account this is.

    Raises: `Refusal`; nothing was sent to anybody when the laptop's cloud was asked for and
    credentials or address are not the laptop's.
    """
    known = environments()
    if environment not in known:
        raise Refusal(f"samconfig.toml has no environment {environment!r}; use {', '.join(known)}.")
    if session.region_name not in {REGION, None}:
        raise Refusal(
            f"The region is {session.region_name}, the platform lives in {REGION} only: "
            f"export AWS_REGION={REGION}."
        )
    _refuse_credentials(environment, session.get_credentials())
    sts = Account(environment, "", session).client("sts")
    return Account(environment, sts.get_caller_identity()["Account"], session)


def confirm(
    account: Account,
    deed: str,
    *,
    env: Mapping[str, str],
    ask: Callable[[str], str],
    show: Callable[[str], None],
) -> None:
    """Show account and region, then ask. The laptop's cloud needs no answer; prod always does.

    Raises: `Refusal` when the answer is not yes.
    """
    show(str(account))
    answered(account, deed, env=env, ask=ask)


def answered(
    account: Account, deed: str, *, env: Mapping[str, str], ask: Callable[[str], str]
) -> None:
    """Ask only; for who has shown the account already. Raises: `Refusal`."""
    if account.environment == "local":
        return
    if env.get("YES") == "1" and account.environment != "prod":
        return
    try:
        answer = ask(f"{deed} Type the environment's name to go on: ")
    except EOFError:
        answer = ""
    if answer.strip() != account.environment:
        raise Refusal(f"Nothing was done: the answer was not {account.environment!r}.")


def _refuse_credentials(environment: str, credentials: Any) -> None:
    if credentials is None:
        remedy = "source .local/env" if environment == "local" else "log in to the account"
        raise Refusal(f"There are no AWS credentials: {remedy} first.")
    frozen = credentials.get_frozen_credentials()
    fixed = (frozen.access_key, frozen.secret_key, frozen.token) == (LAPTOP_KEY, LAPTOP_KEY, None)
    if environment == "local" and not fixed:
        raise Refusal(
            "These are not the laptop's fixed credentials, so they may open a real account: "
            "source .local/env in a fresh shell."
        )
    if environment != "local" and fixed:
        raise Refusal(
            f"These are the laptop's credentials, not those of {environment}: use a fresh shell."
        )


def refuse_address(environment: str, service: str, url: str) -> None:
    """Raises: `Refusal` when the laptop would call the world, or an account the laptop."""
    host = urlsplit(url).hostname or ""
    if environment == "local" and not _is_loopback(host):
        raise Refusal(
            f"{service} would be called at {host}, which is not this machine: "
            "source .local/env, it sets AWS_ENDPOINT_URL."
        )
    if environment != "local" and not host.endswith(_AWS_DOMAIN):
        raise Refusal(
            f"{service} would be called at {host}, which is not AWS: "
            "unset AWS_ENDPOINT_URL, or use a fresh shell."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
