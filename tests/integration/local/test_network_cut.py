"""An address that is cut: nobody stays, nobody comes in, and it heals by itself."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

from local import cuts
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.integration.local.databases import Databases

CUT_SECONDS = 2.0


def test_a_cut_sends_everybody_away_and_ends_by_itself(servers: Databases) -> None:
    with closing(servers.connect("writer")) as connection, connection.cursor() as cursor:
        cuts.cut(servers.home, [servers.told["postgres"]["writer"]], CUT_SECONDS)
        eventually(lambda: servers.refusal("writer"), 1, lambda why: not why.startswith("none"))

        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
    assert servers.refusal("reader").startswith("none")
    eventually(
        lambda: servers.refusal("writer"), CUT_SECONDS + 5, lambda why: why.startswith("none")
    )


def test_a_cut_is_healed_before_its_time(servers: Databases) -> None:
    cuts.cut(servers.home, [servers.told["postgres"]["writer"]], 60)
    eventually(lambda: servers.refusal("writer"), 1, lambda why: not why.startswith("none"))

    cuts.heal(servers.home)

    eventually(lambda: servers.refusal("writer"), 5, lambda why: why.startswith("none"))
