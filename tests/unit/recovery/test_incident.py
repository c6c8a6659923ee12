"""What AWS said is joined to what the probe lived through."""

from __future__ import annotations

from recovery.incident import (
    CUTOVER,
    UNNAMED,
    Incident,
    Witness,
    concluded,
    report,
    stamp,
    unfelt,
)

OUTAGE = Incident(1_000.0, 1_001.0, "DatabaseUnreachable", first_write_at=1_008.25)
STARTED = Witness(1_002.0, "rds", "c", "RDS-EVENT-0073", "Started cross AZ failover to b")
COMPLETED = Witness(1_006.0, "rds", "c", "RDS-EVENT-0071", "Completed failover to b")


def test_the_first_word_of_aws_is_the_cause() -> None:
    over = concluded(OUTAGE, [COMPLETED, STARTED], 1_100.0)

    assert over.cause == "rds c: Started cross AZ failover to b"
    assert over.promoted_at == 1_006.0
    assert over.recovered_at == 1_100.0
    assert over.is_over


def test_what_the_database_said_counts_before_what_others_said_earlier() -> None:
    redis = Witness(990.0, "elasticache", "r", "replication-group", "Replication group created")
    assert concluded(OUTAGE, [redis, STARTED], 1_100.0).cause.startswith("rds c: Started")
    assert concluded(OUTAGE, [redis], 1_100.0).cause.startswith("elasticache r: ")


def test_a_cutover_is_the_cause_whatever_its_adoption_makes_aws_say() -> None:
    fenced = Witness(1_002.5, CUTOVER, "by-hand", "cutover", "the database was fenced")
    adopted = Witness(1_070.0, "rds", "c", "RDS-EVENT-0071", "Completed failover to a")

    over = concluded(OUTAGE, [adopted, fenced], 1_200.0)

    assert (over.cause, over.promoted_at) == ("cutover by-hand: the database was fenced", None)


def test_what_was_said_at_another_time_is_no_cause() -> None:
    early = Witness(800.0, "rds", "c", "RDS-EVENT-0073", "before")
    late = Witness(1_200.0, "rds", "c", "RDS-EVENT-0071", "after")

    over = concluded(OUTAGE, [early, late], 1_300.0)

    assert (over.cause, over.promoted_at) == (UNNAMED, None)


def test_a_failover_between_two_beats_is_on_record_as_one_that_nobody_felt() -> None:
    [felt] = unfelt([STARTED, COMPLETED], [])
    assert (felt.recovery_seconds, felt.lost_beats) == (0.0, 0)
    assert felt.reason == "no write failed"


def test_a_failover_that_the_probe_felt_is_one_incident() -> None:
    assert unfelt([STARTED, COMPLETED], [OUTAGE]) == []


def test_two_words_about_one_failover_are_one_incident() -> None:
    again = Witness(1_007.0, "rds", "b", "RDS-EVENT-0049", "Multi-AZ instance failover completed")
    assert len(unfelt([COMPLETED, again], [])) == 1


def test_whoever_is_woken_reads_how_long_and_how_much() -> None:
    text = report(concluded(OUTAGE, [STARTED, COMPLETED], 1_100.0), rto_seconds=1_800)

    assert "Writes failed for 8.2 s (objective 1800 s: kept)" in text
    assert "beats lost: 0" in text
    assert "Started cross AZ failover to b" in text
    assert "promoted 1970-01-01T00:16:46.000Z" in text


def test_an_objective_that_was_broken_is_called_broken() -> None:
    text = report(concluded(OUTAGE, [], 1_100.0), rto_seconds=5)
    assert "objective 5 s: BROKEN" in text


def test_moments_sort_as_their_words() -> None:
    moments = [0.0, 999.999, 1_000.0, 1_764_500_000.5]
    assert sorted(map(stamp, moments)) == [stamp(each) for each in moments]
    assert stamp(1_000.0) == "1970-01-01T00:16:40.000Z"
