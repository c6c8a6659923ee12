"""How a credential changes hands, by kind of login. Each answers the same four questions.

`prepare` what the new version's text is; `install` makes the store accept it (or rehearses that);
`verify` proves that it may be promoted; `switch` does what remains and promotes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rotation import content, roles
from rotation.errors import (
    NewLoginRefused,
    OldPasswordInUse,
    PendingStale,
    RightsDiffer,
    SecretDrifted,
)
from rotation.vault import CURRENT
from streamflix.logins import LOGINS, TWIN_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from psycopg2 import extensions

    from rotation.database import Database
    from rotation.nodes import Nodes, Users
    from rotation.vault import Vault, Version
    from streamflix.deadline import Deadline


class Strategy(Protocol):
    kind: str

    def prepare(self, current: Version) -> str: ...
    def install(self, pending: Version) -> None: ...
    def verify(self, pending: Version) -> None: ...
    def switch(self, pending: Version) -> None: ...
    def check_current(self) -> None: ...
    def live(self) -> Version | None: ...
    def restore(self, current: Version) -> None: ...


class Single:
    """One login, for which nobody may have another name: master, and app behind the proxy.

    Between the change and the promotion a client with the old password is refused; so the change,
    the proof and the promotion happen in one breath, and `install` is a rehearsal that is rolled
    back. `changer` is the secret of whoever changes the password: master's.
    """

    kind = "single-user"

    def __init__(
        self, name: str, vault: Vault, changer: Vault, database: Database, *, by_token: bool
    ) -> None:
        self._name = name
        self._vault = vault
        self._changer = changer
        self._database = database
        self._by_token = by_token

    def prepare(self, current: Version) -> str:
        return content.replaced(current.text, {"password": content.password()})

    def install(self, pending: Version) -> None:
        with self._database.session(self._authority().login) as connection:
            cursor = connection.cursor()
            roles.set_password(cursor, pending.login)
            connection.rollback()

    def verify(self, pending: Version) -> None:
        """Nothing yet: what would prove it, its login, is `switch`'s."""

    def switch(self, pending: Version) -> None:
        authority = self._authority()
        with self._database.session(authority.login) as connection:
            cursor = connection.cursor()
            roles.take_turn(cursor, self._name)
            connection.commit()
            current = self._vault.labels().at(CURRENT)
            if current == pending.id:
                return  # somebody had the turn before us
            if authority.login != pending.login:
                roles.set_password(cursor, pending.login)
                connection.commit()
            if not self._by_token and not self._database.accepts(pending.login):
                raise NewLoginRefused(f"{self._name}: right after the change")
            self._vault.promote(pending.id, current)

    def check_current(self) -> None:
        if not self._by_token and not self._database.accepts(self._vault.current().login):
            raise SecretDrifted(f"{self._name}: {CURRENT} does not log in")

    def live(self) -> Version | None:
        return self._database.first_accepted(self._vault.candidates())

    def restore(self, current: Version) -> None:
        """Let the current version log in again: the secret is what clients believe."""
        with self._database.session(self._authority().login) as connection:
            roles.set_password(connection.cursor(), current.login)
            connection.commit()

    def _authority(self) -> Version:
        found = self._database.first_accepted(self._changer.candidates())
        if found is None:
            raise SecretDrifted("no version of master's secret logs in")
        return found


class Alternating:
    """Two logins with equal rights that take turns: the one in use is never touched."""

    kind = "alternating"

    def __init__(self, name: str, vault: Vault, changer: Vault, database: Database) -> None:
        self._name = name
        self._vault = vault
        self._changer = changer
        self._database = database

    def prepare(self, current: Version) -> str:
        values = {
            "username": content.twin(current.login.username),
            "password": content.password(),
        }
        return content.replaced(current.text, values)

    def install(self, pending: Version) -> None:
        with self._as_master() as connection:
            cursor = connection.cursor()
            roles.take_turn(cursor, self._name)
            connection.commit()
            current = self._vault.current()
            if current.id == pending.id:
                return
            if current.login.username == pending.login.username:
                raise PendingStale(f"{self._name}: both versions name {pending.login.username}")
            roles.set_login(cursor, self._name, pending.login)
            connection.commit()

    def verify(self, pending: Version) -> None:
        if not self._database.accepts(pending.login):
            raise NewLoginRefused(f"{self._name}: as {pending.login.username}")
        new = self._fingerprint(pending)
        wanted = LOGINS[self._name].work_role
        if new[0] != wanted:
            raise RightsDiffer(f"{self._name}: {pending.login.username} does not enter {wanted}")
        current = self._vault.current()
        if self._database.accepts(current.login) and self._fingerprint(current) != new:
            raise RightsDiffer(f"{self._name}: {pending.login.username} may not do the same")

    def switch(self, pending: Version) -> None:
        self.verify(pending)
        _promote(self._vault, pending)

    def check_current(self) -> None:
        current = self._vault.current()
        if not self._database.accepts(current.login):
            raise SecretDrifted(f"{self._name}: {CURRENT} does not log in")
        if self._fingerprint(current)[0] != LOGINS[self._name].work_role:
            raise RightsDiffer(f"{self._name}: {CURRENT} does not enter its work role")

    def live(self) -> Version | None:
        return self._database.first_accepted(self._vault.candidates())

    def restore(self, current: Version) -> None:
        """Let the current version log in again: the secret is what clients believe."""
        with self._as_master() as connection:
            roles.set_login(connection.cursor(), self._name, current.login)
            connection.commit()

    def drifts(self, *, repair: bool) -> list[str]:
        """What is wrong with the roles of the pair, but for passwords; put right when asked."""
        pair = (self._name, self._name + TWIN_SUFFIX)
        current = self._vault.current().login.username
        with self._as_master() as connection:
            cursor = connection.cursor()
            found = []
            for username in pair:
                wrong = roles.drifts(cursor, self._name, username)
                if wrong and not (username != current and wrong == [roles.ABSENT]):
                    found += [f"{username}: {each}" for each in wrong]
                    if repair:
                        roles.repair(cursor, self._name, username)
            connection.commit()
        return found

    def _fingerprint(self, version: Version) -> tuple[str, str]:
        with self._database.session(version.login) as connection:
            return roles.fingerprint(connection.cursor())

    def _as_master(self) -> AbstractContextManager[extensions.connection]:
        found = self._database.first_accepted(self._changer.candidates())
        if found is None:
            raise SecretDrifted("no version of master's secret logs in")
        return self._database.session(found.login)


class TwoPasswords:
    """A Redis user that holds the new and the live password during the change, and one after.

    ElastiCache replaces the whole list and shows no password: whoever does not know the live one
    must not touch it.
    """

    kind = "two-password"

    def __init__(
        self,
        name: str,
        vault: Vault,
        nodes: Nodes,
        users: Users,
        user_id: str,
        deadline: Deadline,
        *,
        adopted: bool,
    ) -> None:
        self._name = name
        self._vault = vault
        self._nodes = nodes
        self._users = users
        self._user_id = user_id
        self._deadline = deadline
        self._adopted = adopted

    def prepare(self, current: Version) -> str:
        labels = self._vault.labels()
        waits = self._users.passwords(self._user_id) > 1
        if self._adopted and waits and labels.adopted != labels.at(CURRENT):
            raise OldPasswordInUse(f"{self._name}: nobody said that {CURRENT} was taken up")
        return content.replaced(current.text, {"password": content.password()})

    def install(self, pending: Version) -> None:
        current = self._vault.current()
        if self._nodes.accept(pending.login):
            return
        live = self._nodes.first_accepted(
            version for version in self._candidates(current) if version.login != pending.login
        )
        if live is None:
            raise SecretDrifted(f"{self._name}: no known password is accepted by every node")
        words = [pending.login.password, live.login.password]
        self._users.replace(self._user_id, words, self._deadline)
        self._require([pending, live])

    def verify(self, pending: Version) -> None:
        self._require([pending])

    def switch(self, pending: Version) -> None:
        self._require([pending])
        _promote(self._vault, pending)

    def retire(self, current: Version) -> None:
        """Leave the user with this password alone."""
        self._require([current])
        self._users.replace(self._user_id, [current.login.password], self._deadline)

    def check_current(self) -> None:
        if not self._nodes.accept(self._vault.current().login):
            raise SecretDrifted(f"{self._name}: {CURRENT} is not accepted by every node")

    def live(self) -> Version | None:
        return self._nodes.first_accepted(self._vault.candidates())

    def restore(self, current: Version) -> None:
        """Let the current version in beside the live one, if that is known."""
        live = self.live()
        if live is None:
            raise SecretDrifted(f"{self._name}: no known password is accepted by every node")
        words = [current.login.password, live.login.password]
        self._users.replace(self._user_id, words, self._deadline)

    def passwords(self) -> int:
        return self._users.passwords(self._user_id)

    def _candidates(self, current: Version) -> Iterator[Version]:
        yield current  # what clients hold comes first
        yield from self._vault.candidates()

    def _require(self, versions: list[Version]) -> None:
        logins = [version.login for version in versions]
        if not self._nodes.accept_steadily(logins, self._deadline):
            raise NewLoginRefused(f"{self._name}: not on every node")


def _promote(vault: Vault, pending: Version) -> None:
    """Where nobody waits for it. Safe to repeat and to run twice at once."""
    current = vault.labels().at(CURRENT)
    if current != pending.id:
        vault.promote(pending.id, current)
