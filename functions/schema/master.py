"""Master's way into a database that may still be coming up."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from streamflix import log
from streamflix.errors import Retryable
from streamflix.postgres import Postgres
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg2 import extensions

    from streamflix.addresses import Book
    from streamflix.deadline import Deadline

T = TypeVar("T")

logger = log.get("schema")

# Shares of the function's time. A cluster that was just created needs a while to let us in; the
# last attempt must end before the function has to answer.
GIVE_UP_AT = 0.2
END_STATEMENTS_AT = 0.15
PAUSE_SECONDS = 3.0


def patiently(
    attempt: Callable[[], T],
    deadline: Deadline,
    sleep: Callable[[float], None] = time.sleep,
    waits: Callable[[Retryable], None] | None = None,
) -> T:
    """What the first attempt returns that meets nothing in its way.

    Tries again until a fifth of the time is left; `waits` is told what stood in the way each time.
    Raises: what cannot pass by itself at once, what could when the time is up.
    """
    while True:
        try:
            return attempt()
        except Retryable as error:
            if deadline.seconds_until(GIVE_UP_AT) < PAUSE_SECONDS:
                raise
            logger.warning("trying again", extra={"reason": f"{type(error).__name__}: {error}"})
            if waits:
                waits(error)
            sleep(PAUSE_SECONDS)


@contextmanager
def connected(book: Book, secret_arn: str, deadline: Deadline) -> Iterator[extensions.connection]:
    """master's connection to the writer of `book`; its statements end before the time does.

    Raises: `DatabaseUnreachable`, `CredentialsRefused`, and what reading the address or the secret
    does.
    """
    statement_ms = max(1, int(deadline.seconds_until(END_STATEMENTS_AT) * 1000))
    postgres = Postgres(
        book,
        "writer",
        Secret(secret_arn),
        application_name="schema",
        options=f"-c statement_timeout={statement_ms}",
    )
    try:
        yield postgres.connection()
    finally:
        postgres.close()
