"""Fills the service's tables with the catalogue, through COPY as the service's own login."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from demo.catalogue import title_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from demo.catalogue import Catalogue

CHUNK_ROWS: Final = 20_000
SAMPLE: Final = 200

COPY_ACCOUNTS: Final = "COPY app.account (account_id, email, country) FROM STDIN"
COPY_PROFILES: Final = "COPY app.profile (profile_id, account_id, name, language) FROM STDIN"
COPY_TITLES: Final = (
    "COPY catalog.title (title_id, kind, name, genre, duration_s, released_on) FROM STDIN"
)
FIND_ACCOUNTS: Final = "SELECT count(*) FROM app.account WHERE account_id = ANY(%s::uuid[])"
FIND_TITLES: Final = "SELECT count(*) FROM catalog.title WHERE title_id = ANY(%s)"

GENRES: Final = ("drama", "comedy", "crime", "documentary", "fantasy", "history")
LANGUAGES: Final = ("bg", "cs", "da", "de", "el", "en", "es", "fi", "fr", "it", "nl", "pl", "sv")


@dataclass(frozen=True, slots=True)
class Seeded:
    accounts: int
    profiles: int
    titles: int
    were_there: bool


def seed(connection: Any, catalogue: Catalogue, progress: Callable[[int], None]) -> Seeded:
    """Make sure that the catalogue is in the database; all of it or nothing.

    A second run finds it there. It looks at a sample only, because accounts may have been erased
    since, and an erased account never comes back. `progress` is told how many rows went in.
    """
    there = _is_there(connection, catalogue)
    if not there:
        with connection.cursor() as cursor:
            for statement, rows in (
                (COPY_TITLES, _titles(catalogue)),
                (COPY_ACCOUNTS, _accounts(catalogue)),
                (COPY_PROFILES, _profiles(catalogue)),
            ):
                _copy(cursor, statement, rows, progress)
        connection.commit()
    return Seeded(len(catalogue.accounts), len(catalogue.profiles), len(catalogue.titles), there)


def rows_of(catalogue: Catalogue) -> int:
    return len(catalogue.titles) + len(catalogue.accounts) + len(catalogue.profiles)


def _is_there(connection: Any, catalogue: Catalogue) -> bool:
    step = max(1, len(catalogue.accounts) // SAMPLE)
    sample = [account.account_id for account in catalogue.accounts[::step]]
    with connection.cursor() as cursor:
        cursor.execute(FIND_ACCOUNTS, (sample,))
        accounts = cursor.fetchone()[0]
        cursor.execute(FIND_TITLES, (list(catalogue.titles[:1]),))
        titles = cursor.fetchone()[0]
    connection.rollback()
    return bool(accounts and titles)


def _titles(catalogue: Catalogue) -> Iterator[str]:
    rng = Random("streamflix shelves 1")
    for number, title_id in enumerate(catalogue.titles):
        kind = rng.choice(("film", "series", "episode"))
        released = f"{rng.randint(1960, 2024)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        genre, seconds = rng.choice(GENRES), rng.randint(1_200, 9_000)
        yield f"{title_id}\t{kind}\t{title_name(number)}\t{genre}\t{seconds}\t{released}\n"


def _accounts(catalogue: Catalogue) -> Iterator[str]:
    for account in catalogue.accounts:
        # .invalid is reserved: no such address can ever be somebody's.
        yield f"{account.account_id}\t{account.account_id}@viewer.invalid\t{account.country}\n"


def _profiles(catalogue: Catalogue) -> Iterator[str]:
    for number, account in enumerate(catalogue.accounts):
        language = LANGUAGES[number % len(LANGUAGES)]
        for place, profile in enumerate(account.profiles, start=1):
            yield f"{profile}\t{account.account_id}\tProfile {place}\t{language}\n"


def _copy(
    cursor: Any, statement: str, rows: Iterable[str], progress: Callable[[int], None]
) -> None:
    chunk: list[str] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            _flush(cursor, statement, chunk, progress)
    _flush(cursor, statement, chunk, progress)


def _flush(cursor: Any, statement: str, chunk: list[str], progress: Callable[[int], None]) -> None:
    cursor.copy_expert(statement, io.StringIO("".join(chunk)))
    progress(len(chunk))
    chunk.clear()
