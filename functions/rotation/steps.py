"""Secrets Manager's four steps. Each looks before it acts, so each may run again or twice at once.

The table at the end is the protocol.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rotation.errors import NotPending, OldPasswordInUse, TooSoon
from rotation.vault import CURRENT, PREVIOUS, Vault
from streamflix.addresses import AddressBook
from streamflix.ca import CA_FILE
from streamflix.hold import held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rotation.settings import Settings
    from rotation.strategies import Strategy
    from rotation.ticket import Ticket
    from rotation.vault import Version
    from streamflix.deadline import Deadline

SINGLE = ("master", "app")
WAIT_SHARE = 0.4  # of the function's time, for another holder


@dataclass(frozen=True, slots=True)
class Work:
    """One secret, and how it is rotated."""

    login: str
    env: Settings
    deadline: Deadline
    vault: Vault
    strategy: Strategy

    @classmethod
    def on(cls, login: str, env: Settings, deadline: Deadline, ca_file: Path = CA_FILE) -> Work:
        vault = Vault(env.secret_arns[login])
        return cls(login, env, deadline, vault, strategy(login, env, deadline, vault, ca_file))

    @contextmanager
    def held(self, why: str) -> Iterator[None]:
        """Nobody else changes credentials or clusters while the block runs."""
        left = self.deadline.remaining_seconds()
        with held(
            self.env.hold_table,
            "rotation",
            f"{why} of {self.login}",
            lease_seconds=left,
            wait_seconds=left * WAIT_SHARE,
        ):
            yield


def strategy(
    login: str, env: Settings, deadline: Deadline, vault: Vault, ca_file: Path = CA_FILE
) -> Strategy:
    """How a login is rotated. Its drivers are imported with the first step, not at init."""
    from rotation.strategies import Alternating, Single, TwoPasswords

    if login in env.redis_user_ids:
        from rotation.nodes import Nodes, Users

        return TwoPasswords(
            login,
            vault,
            Nodes(env.redis_host, env.redis_port, ca_file),
            Users(env.redis_group_id),
            env.redis_user_ids[login],
            deadline,
            adopted=login in env.adopted_secrets,
        )
    from rotation.database import Database

    database = Database(AddressBook(env.address_book), deadline, ca_file)
    master = Vault(env.secret_arns["master"])
    if login in SINGLE:
        by_token = login == "app" and env.app_login == "token"
        return Single(login, vault, master, database, by_token=by_token)
    return Alternating(login, vault, master, database)


def create(work: Work, version: str) -> None:
    """Give the version its value, once."""
    labels = work.vault.labels()
    if labels.at(CURRENT) == version:
        return
    work.vault.require_pending(version)
    if work.vault.version(version) is not None:
        return
    try:
        _refuse_if_too_soon(work)
        text = work.strategy.prepare(work.vault.current())
    except (TooSoon, OldPasswordInUse):
        work.vault.call_off(version)  # an empty version would block every later rotation
        raise
    work.vault.put_pending(version, text)


def install(work: Work, version: str) -> None:
    if work.vault.labels().at(CURRENT) == version:
        return
    work.vault.require_pending(version)
    with work.held("setSecret"):
        work.strategy.install(_valued(work, version))


def verify(work: Work, version: str) -> None:
    """At deploy time this step comes alone, with a version that is empty, a copy, or gone: then it
    is the current one that is tested."""
    pending = work.vault.version(version) if work.vault.labels().is_pending(version) else None
    if pending is None or pending.login == work.vault.current().login:
        work.strategy.check_current()
    else:
        work.strategy.verify(pending)


def finish(work: Work, version: str) -> None:
    if work.vault.labels().at(CURRENT) != version:
        work.vault.require_pending(version)
        with work.held("finishSecret"):
            work.strategy.switch(_valued(work, version))
    work.vault.call_off(version)


def _valued(work: Work, version: str) -> Version:
    pending = work.vault.version(version)
    if pending is None:
        raise NotPending(f"version {version} has no value yet")
    return pending


def _refuse_if_too_soon(work: Work) -> None:
    """Clients may hold a credential for as long as their caches live: after two promotions within
    that time the one that they hold is dead."""
    labels = work.vault.labels()
    if labels.at(PREVIOUS) is None:
        return  # never rotated: no client can hold an older one
    made = work.vault.created()
    promoted = max(
        moment for moment in (labels.last_rotated, made.get(labels.at(CURRENT) or "")) if moment
    )
    age = (datetime.now(UTC) - promoted).total_seconds()
    if age < work.env.min_interval_seconds:
        left = int(work.env.min_interval_seconds - age) + 1
        raise TooSoon(f"{work.login} was rotated {int(age)} s ago; wait {left} s more")


STEPS: dict[str, Callable[[Work, str], None]] = {
    "createSecret": create,
    "setSecret": install,
    "testSecret": verify,
    "finishSecret": finish,
}


def run(ticket: Ticket, env: Settings, deadline: Deadline, ca_file: Path = CA_FILE) -> str:
    """Run the ticket's step; returns the login that it was about."""
    login = env.login_of(ticket.arn)
    STEPS[ticket.step](Work.on(login, env, deadline, ca_file), ticket.version)
    return login
