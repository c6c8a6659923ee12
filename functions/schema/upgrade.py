"""Brings the database up to this package: migrations, logins, and its epoch into the book."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from schema import epoch, logins, master, migrations
from schema.errors import PackageDiffers
from streamflix import log
from streamflix.addresses import AddressBook
from streamflix.errors import SecretMalformed, SecretUnreadable
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from schema.migrations import Migration
    from schema.settings import Settings
    from streamflix.deadline import Deadline
    from streamflix.errors import Retryable
    from streamflix.secrets import Login

logger = log.get("schema")


def upgrade(
    wanted_sha256: str,
    env: Settings,
    deadline: Deadline,
    waits: Callable[[Retryable], None],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Apply what is pending, make the logins that are absent and the address book's epoch if it
    is; return what `Fn::GetAtt` may read.

    Waits for a database that is still starting; `waits` is told what stood in the way each time.
    Raises: what cannot pass by itself at once, what could when the time is up.
    """
    package = migrations.load()
    digest = migrations.digest(package)
    if wanted_sha256 != digest:
        raise PackageDiffers(
            f"MigrationsSha256 is {wanted_sha256 or 'absent'}, the package has {digest}"
        )
    master.patiently(lambda: _once(package, env, deadline), deadline, sleep, waits)
    return {"SchemaVersion": str(package[-1].version), "MigrationsSha256": digest}


def _once(package: Sequence[Migration], env: Settings, deadline: Deadline) -> None:
    book = AddressBook(env.address_book)
    with master.connected(book, env.master_secret_arn, deadline) as connection:
        applied = migrations.apply(connection, package)
        logger.info("migrated", extra={"applied": applied, "version": package[-1].version})
        secrets = {login: _current(login, arn) for login, arn in env.login_secret_arns.items()}
        made = logins.ensure(connection, secrets, env.by_token)
        logger.info("logins are there", extra={"made": made})
        put = epoch.publish(connection, env)  # last: who finds it finds all of the above
        logger.info("the address book has an epoch", extra={"put": put})


def _current(login: str, arn: str) -> Login:
    try:
        return Secret(arn).current()
    except (SecretUnreadable, SecretMalformed) as error:
        raise type(error)(f"login {login}: {error}") from None
