"""Redis as rotation sees it: who gets in, on every node, and ElastiCache's record of the user."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rotation.errors import RedisUserBusy
from streamflix import aws
from streamflix.ca import CA_FILE
from streamflix.errors import RedisUnreachable
from streamflix.redis import is_refusal, parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from rotation.vault import Version
    from streamflix.deadline import Deadline
    from streamflix.secrets import Login

GIVE_UP_AT = 0.25  # share of the function's time, as for the database
ROUNDS = 3  # in a row that every node must let a new password in: nodes learn it one by one
PAUSE_SECONDS = 0.2
# What each login may always ask, whatever the keys hold: it proves rights, not only a password.
PROBES = {"app": "session:{rotation}:probe", "ops": "live:rotation:probe"}


class Nodes:
    """Every node of the replication group, replicas included."""

    def __init__(self, host: str, port: int, ca_file: Path = CA_FILE) -> None:
        self._seed = host, port
        self._ca_file = ca_file

    def accept(self, login: Login) -> bool:
        """Whether all of them let this login in and answer what it may ask.

        Raises: `RedisUnreachable`.
        """
        return all(self._accepts(host, port, login) for host, port in self._found(login))

    def first_accepted(self, versions: Iterable[Version]) -> Version | None:
        """Only a refusal leads on to the next one."""
        return next((version for version in versions if self.accept(version.login)), None)

    def accept_steadily(self, logins: Sequence[Login], deadline: Deadline) -> bool:
        """Whether all nodes let all these logins in, several times in a row, before the time is
        up: a node may learn a password seconds after ElastiCache says that it is there."""
        rounds = 0
        while rounds < ROUNDS:
            rounds = rounds + 1 if all(map(self.accept, logins)) else 0
            if rounds < ROUNDS:
                if deadline.seconds_until(GIVE_UP_AT) < PAUSE_SECONDS:
                    return False
                time.sleep(PAUSE_SECONDS)
        return True

    def _found(self, login: Login) -> list[tuple[str, int]]:
        """The nodes as the first one names them; that one alone when it lets nobody ask."""
        answer = self._ask(*self._seed, login, "CLUSTER SLOTS")
        if answer is None:
            return [self._seed]
        # One entry for each range of slots: first and last slot, then the range's nodes. A node
        # says nothing of its host when it is the one that was asked.
        nodes = [node for _, _, *nodes in answer for node in nodes]
        found = {(_text(node[0]) or self._seed[0], int(node[1])) for node in nodes}
        return sorted(found | {self._seed})

    def _accepts(self, host: str, port: int, login: Login) -> bool:
        return self._ask(host, port, login, "EXISTS", PROBES[login.username]) is not None

    def _ask(self, host: str, port: int, login: Login, *command: str) -> Any:
        """The answer, or nothing when the login is refused."""
        import redis

        client: Any = redis.Redis(
            host=host, port=port, **parameters(login, self._ca_file, retries=0)
        )
        try:
            return client.execute_command(*command)
        except redis.exceptions.NoPermissionError:
            return None
        except redis.exceptions.ResponseError as error:
            if str(error).startswith(("MOVED", "ASK")) or isinstance(
                error, redis.exceptions.MovedError
            ):
                return 0  # whoever may not ask is refused before being sent on
            raise RedisUnreachable(f"{host}:{port} answered {type(error).__name__}") from None
        except (redis.exceptions.RedisError, OSError) as error:
            if is_refusal(error):
                return None
            raise RedisUnreachable(f"{host}:{port}: {type(error).__name__}") from None
        finally:
            client.close()


def _text(word: bytes | str | None) -> str:
    return word.decode() if isinstance(word, bytes) else word or ""


class Users:
    """ElastiCache's side: passwords can be replaced, never read."""

    def __init__(self, group: str, client: Any = None) -> None:
        self._group = group
        self._given = client

    @property
    def _client(self) -> Any:
        return self._given or aws.client("elasticache")

    def passwords(self, user: str) -> int:
        """How many passwords the user has."""
        return int(self._user(user)["Authentication"].get("PasswordCount", 0))

    def replace(
        self,
        user: str,
        passwords: Sequence[str],
        deadline: Deadline,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Let exactly these passwords in, and wait until ElastiCache has told all nodes.

        Raises: `RedisUserBusy`, `RedisUnreachable`.
        """
        self._wait_until_idle(user, deadline, sleep)
        self._call("modify_user", UserId=user, Passwords=list(passwords))
        self._wait_until_idle(user, deadline, sleep)

    def _wait_until_idle(
        self, user: str, deadline: Deadline, sleep: Callable[[float], None]
    ) -> None:
        while True:
            busy = [
                f"{what} is {status}"
                for what, status in (
                    ("the user", self._user(user)["Status"]),
                    ("the replication group", self._group_status()),
                )
                if status not in {"active", "available"}
            ]
            if not busy:
                return
            if deadline.seconds_until(GIVE_UP_AT) < 1:
                raise RedisUserBusy(f"{user}: {' and '.join(busy)}")
            sleep(1)

    def _user(self, user: str) -> Any:
        [found] = self._call("describe_users", UserId=user)["Users"]
        return found

    def _group_status(self) -> str:
        answer = self._call("describe_replication_groups", ReplicationGroupId=self._group)
        return str(answer["ReplicationGroups"][0]["Status"])

    def _call(self, operation: str, **given: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(**given)
        except (BotoCoreError, ClientError) as error:
            code = aws.reason(error)
            kind = RedisUserBusy if code.startswith("InvalidUser") else RedisUnreachable
            raise kind(f"{operation}: {code}") from None
