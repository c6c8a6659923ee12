"""Redis in cluster mode, over TLS, for processes that outlive a rotation and a failover."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from streamflix.ca import CA_FILE
from streamflix.errors import CredentialsRefused, RedisUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from redis.cluster import RedisCluster

    from streamflix.secrets import Login, Secret

T = TypeVar("T")

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0


class Redis:
    """One cluster client, made at first use and kept. redis-py is imported then, not before: it
    costs as much as everything else a function loads."""

    def __init__(self, host: str, port: int, secret: Secret, *, ca_file: Path = CA_FILE) -> None:
        self._host = host
        self._port = port
        self._secret = secret
        self._ca_file = ca_file
        self._cluster: RedisCluster | None = None
        self._login: Login | None = None

    def run(self, act: Callable[[RedisCluster], T]) -> T:
        """Run `act` with the cluster; it may run again with other credentials, so let it be
        safe to repeat.

        Raises: `RedisUnreachable`, `CredentialsRefused`, and what reading the secret raises.
        """
        return self._secret.log_in(lambda login: self._run_as(login, act))

    def close(self) -> None:
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()

    def _run_as(self, login: Login, act: Callable[[RedisCluster], T]) -> T:
        from redis.exceptions import RedisClusterException, RedisError

        try:
            return act(self._client(login))
        except (RedisError, RedisClusterException, OSError) as error:
            self.close()
            if is_refusal(error):
                raise CredentialsRefused(f"Redis: login {login.username}") from None
            raise RedisUnreachable(type(error).__name__) from None

    def _client(self, login: Login) -> RedisCluster:
        if self._cluster is None or self._login != login:
            self.close()
            self._cluster, self._login = self._connect(login), login
        return self._cluster

    def _connect(self, login: Login) -> RedisCluster:
        from redis.cluster import RedisCluster

        return RedisCluster(
            host=self._host, port=self._port, **parameters(login, self._ca_file, retries=1)
        )


def parameters(login: Login, ca_file: Path, *, retries: int) -> dict[str, Any]:
    """How every client of ours connects, to the cluster or to one node of it."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "username": login.username,
        "password": login.password,
        "ssl": True,
        "ssl_ca_certs": str(ca_file),
        "ssl_check_hostname": True,
        # RESP3 brings maintenance notifications, which ElastiCache does not send.
        "protocol": 2,
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        # redis-py retries a refused login ten times with the same password.
        "retry": Retry(NoBackoff(), retries),
    }


def is_refusal(error: BaseException | None) -> bool:
    """Discovery wraps a refused login in an exception of the cluster's own. What was raised `from
    None` ends the search: an earlier login that was refused says nothing about this one."""
    from redis.exceptions import AuthenticationError

    while error is not None:
        if isinstance(error, AuthenticationError):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False
