from __future__ import annotations

import re
from uuid import UUID

from demo import catalogue


def test_every_machine_builds_the_same_catalogue() -> None:
    first, second = (catalogue.build(titles=50, accounts=300) for _ in range(2))

    assert first == second
    assert first.accounts[0].account_id == "83bf6215-b20b-4700-b59c-b6e6b99eb252"


def test_viewers_live_in_all_27_countries_of_the_union() -> None:
    accounts = catalogue.build(titles=1, accounts=20_000).accounts

    assert {account.country for account in accounts} == set(catalogue.COUNTRIES)
    assert len(catalogue.COUNTRIES) == 27


def test_ids_are_random_uuids_and_nobody_shares_one() -> None:
    people = catalogue.build(titles=1, accounts=2_000)
    ids = [account.account_id for account in people.accounts] + list(people.profiles)

    assert len(set(ids)) == len(ids)
    assert all(UUID(each).version == 4 and str(UUID(each)) == each for each in ids)


def test_titles_have_ids_that_the_platform_accepts_and_names_of_their_own() -> None:
    titles = catalogue.build().titles

    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", title) for title in titles)
    assert len({catalogue.title_name(number) for number in range(len(titles))}) == len(titles)
