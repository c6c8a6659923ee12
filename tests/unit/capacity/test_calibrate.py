"""A steady run says what the fleet is like, and that says what it does in trouble."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from capacity.__main__ import OFF, REFUSED, main
from capacity.arrivals import Burst
from capacity.calibrate import CannotTell, Verdict, calibrate, compare, fit
from capacity.lag import STEP_S, WARM_S, Lag, of_batches
from capacity.runs import Invocation, NotARun, Run
from capacity.simulate import Parameters, Scenario, chains

if TYPE_CHECKING:
    from pathlib import Path

FLEET = Parameters(
    shards=4,
    events_s=3_000,
    most=6_000,
    fixed_s=0.06,
    per_event_s=250e-6,
    lanes=2,
    turn_s=0.05,
    turn_per_event_s=60e-6,
)


def recorded(
    scenario: Scenario, *, uneven: bool = False, noise: float = 0.0, fleet: Parameters = FLEET
) -> Run:
    """What the recorder would write about a fleet that is as `FLEET` is."""
    rng = random.Random(3)
    strokes = [
        Burst(at, at + 1, rng.uniform(0.5, 1.5)) for at in range(int(scenario.lasts_s)) if uneven
    ]
    acted = replace(scenario, bursts=(*scenario.bursts, *strokes))
    found = chains(fleet, acted, seed=11)
    moments = [at / 4 for at in range(int(4 * scenario.lasts_s) + 1)]
    return Run(
        kind=scenario.name,
        shards=FLEET.shards,
        most=FLEET.most,
        window_s=FLEET.window_s,
        cores=2,
        lasts_s=scenario.lasts_s,
        away=scenario.away,
        bursts=tuple((b.begins, b.ends, b.times) for b in scenario.bursts),
        puts=tuple((at, sum(chain.arrivals.count(at) for chain in found)) for at in moments),
        batches=tuple(
            Invocation(
                b.ended,
                b.events,
                (b.ended - b.began) * (1 + noise * rng.random()),
                f"shard {number}",
                chain.arrivals.moment(1 + sum(each.events for each in chain.batches[:at])),
            )
            for number, chain in enumerate(found)
            for at, b in enumerate(chain.batches)
        ),
    )


STEADY = Scenario("steady", 180)
TROUBLES = (
    Scenario("failover", 240, away=((60, 90),), hangs=True),
    Scenario("burst", 400, bursts=(Burst(60, 80, 10),)),
    Scenario("outage", 900, away=((60, 360),)),
)


def test_the_parameters_of_a_simulated_run_are_recovered() -> None:
    found = calibrate(recorded(STEADY, uneven=True))

    assert found.fixed_s == pytest.approx(FLEET.fixed_s, rel=0.02)
    assert found.per_event_s == pytest.approx(FLEET.per_event_s, rel=0.02)
    assert found.events_s == pytest.approx(FLEET.events_s, rel=0.05)
    assert found.seen_s == pytest.approx(0, abs=0.1)
    assert found.turn_s == pytest.approx(FLEET.turn_s, rel=0.1)
    assert found.turn_per_event_s == pytest.approx(FLEET.turn_per_event_s, rel=0.02)
    assert (found.shards, found.most, found.lanes) == (4, 6_000, 2)


def test_a_few_slow_invocations_change_little() -> None:
    line = [Invocation(n, n, 0.1 + 0.001 * n) for n in range(50, 150)]
    line[10] = replace(line[10], seconds=5.0)

    assert fit(line) == (pytest.approx(0.1, rel=0.05), pytest.approx(0.001, rel=0.05))


@pytest.mark.parametrize("scenario", TROUBLES, ids=lambda each: each.name)
def test_unseen_runs_are_predicted_within_a_quarter(scenario: Scenario) -> None:
    fleet = calibrate(recorded(STEADY, uneven=True, noise=0.05))

    verdicts = compare(fleet, recorded(scenario))

    assert [each.what for each in verdicts if not each.is_close] == []
    assert len(verdicts) == 4


def test_the_command_says_which_predictions_are_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = {"steady": recorded(STEADY, uneven=True), "failover": recorded(TROUBLES[0])}
    late = tuple(replace(each, at=each.at + 20) for each in runs["failover"].batches)
    runs["slow"] = replace(runs["failover"], batches=late)
    paths = {name: str(tmp_path / f"{name}.json") for name in runs}
    for name, run in runs.items():
        run.write(tmp_path / f"{name}.json")

    assert main(["compare", paths["steady"], paths["failover"]]) == 0
    assert main(["compare", paths["steady"], paths["slow"]]) == OFF
    assert main(["compare", paths["failover"], paths["steady"]]) == REFUSED

    shown = capsys.readouterr().out
    assert "250" in shown  # µs an event
    assert "NO" in shown
    assert "is not steady" in shown


def test_batches_of_one_size_do_not_tell_what_is_fixed() -> None:
    with pytest.raises(CannotTell, match="uneven strokes"):
        calibrate(recorded(STEADY))


def test_nothing_is_learnt_from_a_run_in_trouble() -> None:
    with pytest.raises(CannotTell, match="not steady"):
        calibrate(recorded(TROUBLES[0]))


def test_a_run_survives_its_file(tmp_path: Path) -> None:
    run, path = recorded(TROUBLES[1]), tmp_path / "burst.json"

    run.write(path)

    assert Run.read(path) == run


@pytest.mark.parametrize("text", ["{}", "[", '{"format": 2, "kind": "steady"}'])
def test_what_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)

    with pytest.raises(NotARun, match=r"run\.json"):
        Run.read(path)


def test_a_shard_lags_by_the_age_of_what_its_next_batch_begins_with() -> None:
    one = [(0.1, 1.0), (0.6, 2.1), (2.2, 3.0)]
    other = [(0.0, 0.2)]

    found = of_batches([one, other], Scenario("any", 3.0), seen_s=0.05)

    first, second = found.shards
    assert first == pytest.approx(
        (0, 0.2, 0.45, 0.7, 0.45, 0.7, 0.95, 1.2, 1.45, 0.1, 0.35, 0.6, 0), abs=0.001
    )
    assert second == (0.05, *[0.0] * 12)
    assert found.samples[8] == (2.0, pytest.approx(1.45))


def whole(*seconds: float) -> Lag:
    """A shard that lags so much for a second each; trouble comes and goes after twenty."""
    return Lag((tuple(value for value in seconds for _ in range(int(1 / STEP_S))),), 20, 20)


def test_caught_up_is_who_stays_so() -> None:
    calm = [1.0] * 20

    assert whole(*calm, 9, 1, 9, 1, 1.2, 1, 1.1).caught_up_s == 3
    assert whole(*calm, 9, 1, 9).caught_up_s is None
    assert whole(*calm, 1, 1.2, 1, 1.1).caught_up_s == 0


def test_percentiles_are_samples_of_all_shards() -> None:
    cold = [7_000.0] * int(WARM_S / STEP_S)
    few, many = ([*cold, *map(float, part)] for part in (range(1, 51), range(51, 101)))
    lag = Lag((tuple(few), tuple(many)), 0, 0)

    assert (lag.share(0.5), lag.share(0.99), lag.most) == (50, 99, 100)


@pytest.mark.parametrize(
    ("predicted", "measured", "is_close"),
    [(1.25, 1, True), (1.26, 1, False), (0.75, 1, True), (None, 1, False), (1, None, False),
     (None, None, True), (0, 0, True), (1, 0, False)],
)  # fmt: skip
def test_close_is_within_a_quarter_of_what_was_measured(
    predicted: float | None, measured: float | None, is_close: bool
) -> None:
    assert Verdict("any", "lag", predicted, measured).is_close is is_close


def test_who_has_caught_up_within_a_window_has_caught_up_at_once() -> None:
    assert Verdict("burst", "caught up after", 0.0, 0.7, nothing_s=1.0).is_close
    assert not Verdict("burst", "caught up after", 0.0, 1.2, nothing_s=1.0).is_close
    assert not Verdict("burst", "caught up after", None, 0.7, nothing_s=1.0).is_close


def test_shards_that_get_more_than_others_are_known() -> None:
    uneven = replace(FLEET, shares=(0.4, 0.3, 0.2, 0.1))
    found = calibrate(recorded(STEADY, uneven=True, fleet=uneven))

    assert sorted(found.shares) == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=0.01)
    assert found.spread < 0.02


def test_the_page_of_runs_has_both_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steady, outage = tmp_path / "steady.json", tmp_path / "outage.json"
    recorded(STEADY, uneven=True).write(steady)
    recorded(TROUBLES[2]).write(outage)
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr("capacity.__main__.ROOT", tmp_path)

    assert main(["compare", "--keep", str(steady), str(outage)]) == 0

    page = (tmp_path / "docs" / "capacity-runs.md").read_text()
    assert page.count("| outage |") == 4
    assert "| run | figure | predicted, s | measured, s | off | within 25% |" in page
