"""Brings the database up to this package: migrations first, then the logins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from schema import logins, migrations
from schema.errors import PackageDiffers
from streamflix import log
from streamflix.addresses import AddressBook
from streamflix.errors import Retryable, SecretMalformed, SecretUnreadable
from streamflix.postgres import Postgres
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schema.migrations import Migration
    from schema.settings import Settings
    from streamflix.deadline import Deadline
    from streamflix.secrets import Login

logger = log.get("schema")

# Shares of the function's time. A cluster that was just created needs a while to let us in; the
# last attempt must end before `migrate` answers for us.
GIVE_UP_AT = 0.2
END_STATEMENTS_AT = 0.15
PAUSE_SECONDS = 3.0


def upgrade(
    wanted_sha256: str,
    env: Settings,
    deadline: Deadline,
    waits: Callable[[Retryable], None],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Apply what is pending, make the logins that are absent; return what `Fn::GetAtt` may read.

    Waits for a database that is still starting until a fifth of the time is left; `waits` is told
    what stood in the way each time.
    Raises: what cannot pass by itself at once, what could when the time is up.
    """
    package = migrations.load()
    digest = migrations.digest(package)
    if wanted_sha256 != digest:
        raise PackageDiffers(
            f"MigrationsSha256 is {wanted_sha256 or 'absent'}, the package has {digest}"
        )
    while True:
        try:
            _once(package, env, deadline)
        except Retryable as error:
            if deadline.seconds_until(GIVE_UP_AT) < PAUSE_SECONDS:
                raise
            logger.warning("trying again", extra={"reason": f"{type(error).__name__}: {error}"})
            waits(error)
            sleep(PAUSE_SECONDS)
        else:
            return {"SchemaVersion": str(package[-1].version), "MigrationsSha256": digest}


def _once(package: Sequence[Migration], env: Settings, deadline: Deadline) -> None:
    statement_ms = max(1, int(deadline.seconds_until(END_STATEMENTS_AT) * 1000))
    postgres = Postgres(
        AddressBook(env.address_book),
        "writer",
        Secret(env.master_secret_arn),
        application_name="schema",
        options=f"-c statement_timeout={statement_ms}",
    )
    try:
        connection = postgres.connection()
        applied = migrations.apply(connection, package)
        logger.info("migrated", extra={"applied": applied, "version": package[-1].version})
        secrets = {login: _current(login, arn) for login, arn in env.login_secret_arns.items()}
        made = logins.ensure(connection, secrets, env.by_token)
        logger.info("logins are there", extra={"made": made})
    finally:
        postgres.close()


def _current(login: str, arn: str) -> Login:
    try:
        return Secret(arn).current()
    except (SecretUnreadable, SecretMalformed) as error:
        raise type(error)(f"login {login}: {error}") from None
