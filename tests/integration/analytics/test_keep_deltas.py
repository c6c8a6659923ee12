"""What is appended is added up by the handler: which tables, in how many steps."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from analytics import deltas
from analytics.archive import Archive

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Database

WAITING = "SELECT count(*)::int FROM analytics.title_deltas()"


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_call_adds_up_all_tables_but_the_one_that_is_appended_to(
    database: Database,
    tables: Callable[[], Any],
    run: Callable[..., dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    rounds: int,
) -> None:
    """In as many turns as it is asked for."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for number in range(deltas.TABLES):
        database.do(
            "analytics_owner",
            f"INSERT INTO analytics.title_delta_{number} VALUES (%s, %s, 'DE', 'tv', 1, 1, 1, 1)",
            (now, f"t{number}"),
        )
    turn, slept = iter(range(9)), []
    monkeypatch.setattr(deltas, "open_at", lambda _: next(turn) % deltas.TABLES)
    monkeypatch.setattr(deltas, "seconds_to_next_turn", lambda _: slept.append(1) or 0.0)

    told = run(rounds=rounds)

    merged = 2 if rounds == 1 else 3
    assert told["merged"] == merged
    assert tables()[0] == (merged,) * 4
    assert len(slept) == rounds - 1


def test_what_is_too_much_for_one_transaction_is_added_up_in_several(
    database: Database,
    tables: Callable[[], Any],
    run: Callable[..., dict[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed after any of them: what was moved stays so, and the rest waits."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    database.do(
        "analytics_owner",
        "INSERT INTO analytics.title_delta_1 SELECT %s, 't' || n %% 5, 'DE', 'tv', 1, 1, 1, 1"
        " FROM generate_series(1, 1000) AS n",
        (now,),
    )
    monkeypatch.setattr(deltas, "open_at", lambda _: 0)
    merge, steps = Archive.merge, []

    def step(archive: Archive, table: int) -> int:
        archive._merge_rows = 300
        taken = merge(archive, table)
        kept, waiting = tables()[0][0], database.rows("analytics_rw", WAITING)[0][0]
        assert kept + waiting == 1000
        steps.append(waiting)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return taken

    monkeypatch.setattr(Archive, "merge", step)
    with pytest.raises(KeyboardInterrupt):
        run()
    run()

    assert steps[:2] == [700, 400]
    assert tables()[0] == (1000, 1000, 1000, 1000)
    size = "SELECT pg_relation_size('analytics.title_delta_1')::int"
    assert database.rows("analytics_rw", size) == [(0,)]
