"""Each credential changes hands: what logs in before, between and afterwards."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from rotation import steps
from rotation.errors import (
    NewLoginRefused,
    NotOurSecret,
    NotPending,
    RightsDiffer,
    SecretDrifted,
    TooSoon,
)
from rotation.ticket import Ticket
from streamflix.errors import EnvironmentHeld
from tests.integration.rotation.conftest import EXTRA
from tests.integration.schema.conftest import together

if TYPE_CHECKING:
    from tests.integration.rotation.conftest import Rig

POSTGRES = ("master", "app", "analytics", "privacy", "recovery")
DUPLICATES = int(os.environ.get("ROTATION_DUPLICATES", "2"))
ALTERNATING = ("analytics", "privacy", "recovery")


@pytest.mark.parametrize("login", POSTGRES)
def test_after_a_rotation_the_new_version_is_current_and_logs_in(rig: Rig, login: str) -> None:
    first = rig.stages(login)["AWSCURRENT"]

    token = rig.rotate(login)

    assert rig.stages(login) == {"AWSCURRENT": token, "AWSPREVIOUS": first}
    assert rig.accepts(login)


@pytest.mark.parametrize("login", ALTERNATING)
def test_an_alternating_rotation_leaves_the_previous_login_untouched(rig: Rig, login: str) -> None:
    rig.rotate(login)

    assert rig.accepts(login, VersionStage="AWSPREVIOUS")
    names = {rig.value(login, VersionStage=s)["username"] for s in ("AWSCURRENT", "AWSPREVIOUS")}
    assert names == {login, f"{login}_clone"}


def test_only_username_and_password_of_a_secret_change(rig: Rig) -> None:
    before = rig.text("analytics")

    rig.rotate("analytics")

    after = rig.text("analytics")
    assert after.endswith(EXTRA)
    old, new = json.loads(before), json.loads(after)
    for value in (old, new):
        assert len(value.pop("password")) > 0
        value.pop("username")
    assert old == new


def test_what_one_login_of_a_pair_creates_the_other_may_use(rig: Rig) -> None:
    rig.rotate("analytics")
    made = rig.value("analytics")
    connection = rig.connect(made["username"], made["password"])
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT session_user, current_user")
        assert cursor.fetchone() == (made["username"], "analytics_rw")
    connection.close()
    rig.rotate("analytics")
    other = rig.value("analytics")
    assert other["username"] != made["username"]
    connection = rig.connect(other["username"], other["password"])
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("analytics_rw",)
    connection.close()


def test_single_user_setsecret_is_a_rehearsal_only(rig: Rig) -> None:
    token = rig.begin("app")
    for step in ("createSecret", "setSecret", "testSecret"):
        rig.step("app", token, step)

    assert rig.accepts("app")
    assert not rig.accepts("app", VersionId=token)

    rig.step("app", token, "finishSecret")
    assert rig.accepts("app", VersionId=token)
    assert not rig.accepts("app", VersionStage="AWSPREVIOUS")


def test_testsecret_alone_tests_the_current_version_and_changes_nothing(rig: Rig) -> None:
    for login in rig.env.secret_arns:
        before = rig.stages(login)
        token = rig.begin(login)
        rig.step(login, token, "testSecret")
        rig.vault.update_secret_version_stage(
            SecretId=rig.env.secret_arns[login],
            VersionStage="AWSPENDING",
            RemoveFromVersionId=token,
        )
        rig.step(login, token, "testSecret")
        assert rig.stages(login) == before


def test_redis_holds_both_passwords_until_the_old_one_is_retired(rig: Rig) -> None:
    old = rig.value("redis/ops")["password"]

    rig.rotate("redis/ops")

    new = rig.value("redis/ops")["password"]
    assert new != old
    for node in range(3):
        assert rig.laptop.redis(old, node=node).ping()
        assert rig.laptop.redis(new, node=node).ping()
    report = rig.sweep("redis/ops", retire_after_seconds=3600)
    assert (report.findings, report.repaired) == ([], [])
    report = rig.sweep("redis/ops")
    assert report.repaired == ["the password before the current one was retired"]
    assert rig.laptop.redis(new).ping()
    import redis

    with pytest.raises(redis.exceptions.AuthenticationError):
        rig.laptop.redis(old).ping()


def test_redis_refuses_when_no_known_password_is_live(rig: Rig) -> None:
    word = rig.value("redis/ops")["password"]
    cache = rig.laptop.client("elasticache")
    cache.modify_user(UserId="ops-hooks", Passwords=["somebody-changed-this-by-hand"])
    try:
        token = rig.begin("redis/ops")
        rig.step("redis/ops", token, "createSecret")
        with pytest.raises(SecretDrifted):
            rig.step("redis/ops", token, "setSecret")
        assert rig.laptop.redis("somebody-changed-this-by-hand").ping()
    finally:
        cache.modify_user(UserId="ops-hooks", Passwords=[word])


def test_a_second_rotation_within_the_interval_is_refused_and_called_off(rig: Rig) -> None:
    current = rig.rotate("privacy")
    token = rig.begin("privacy")

    with pytest.raises(TooSoon):
        rig.step("privacy", token, "createSecret", min_interval_seconds=600)

    assert rig.stages("privacy")["AWSCURRENT"] == current
    assert "AWSPENDING" not in rig.stages("privacy")


def test_a_step_waits_for_the_hold_and_names_its_holder(rig: Rig) -> None:
    table = rig.laptop.client("dynamodb")
    until = str(int(time.time()) + 60)
    item = {"hold": "environment", "holder": "anna@desk", "reason": "deploy", "token": "t"}
    table.put_item(
        TableName="hold",
        Item={key: {"S": value} for key, value in item.items()} | {"expires_at": {"N": until}},
    )
    try:
        token = rig.begin("recovery")
        rig.step("recovery", token, "createSecret")
        ticket = Ticket(rig.env.secret_arns["recovery"], token, "setSecret")
        with pytest.raises(EnvironmentHeld, match="anna@desk for: deploy"):
            steps.run(ticket, rig.env, rig.deadline(2), rig.ca)
    finally:
        table.delete_item(TableName="hold", Key={"hold": {"S": "environment"}})


def test_a_foreign_secret_and_a_version_that_does_not_wait_are_refused(rig: Rig) -> None:
    with pytest.raises(NotOurSecret):
        steps.run(Ticket("arn:other", "t", "setSecret"), rig.env, rig.deadline(), rig.ca)
    with pytest.raises(NotPending):
        rig.step("analytics", "00000000-0000-0000-0000-000000000000", "setSecret")


def test_a_membership_that_was_revoked_blocks_the_promotion(rig: Rig) -> None:
    token = rig.begin("analytics")
    for step in ("createSecret", "setSecret"):
        rig.step("analytics", token, step)
    before = rig.stages("analytics")["AWSCURRENT"]
    user = rig.value("analytics", VersionId=token)["username"]
    rig.as_master(f"REVOKE analytics_rw FROM {user}")

    with pytest.raises(RightsDiffer):
        rig.step("analytics", token, "testSecret")
    with pytest.raises(RightsDiffer):
        rig.step("analytics", token, "finishSecret")

    assert rig.stages("analytics")["AWSCURRENT"] == before
    rig.step("analytics", token, "setSecret")  # puts it right
    rig.step("analytics", token, "finishSecret")


def test_the_sweeper_repairs_what_a_hand_changed(rig: Rig) -> None:
    user = rig.value("analytics")["username"]
    rig.as_master(f"ALTER ROLE {user} PASSWORD 'by hand' VALID UNTIL '2001-01-01'")
    rig.as_master(f"REVOKE analytics_rw FROM {user}")
    assert not rig.accepts("analytics")
    looked = rig.sweep("analytics", repair=False)
    assert looked.findings
    assert not rig.accepts("analytics")

    mended = rig.sweep("analytics")

    assert mended.findings == []
    assert mended.repaired
    assert rig.accepts("analytics")
    assert rig.sweep("analytics").logs_in == "AWSCURRENT"


@pytest.mark.parametrize("valued", [False, True], ids=["empty", "valued"])
def test_a_rotation_that_was_given_up_is_ended(rig: Rig, valued: bool) -> None:
    token = rig.begin("recovery")
    if valued:
        rig.step("recovery", token, "createSecret")
        rig.step("recovery", token, "setSecret")

    report = rig.sweep("recovery", stuck_after_seconds=-1)

    assert (report.state, report.repaired) == ("stuck", ["a rotation that was given up"])
    assert "AWSPENDING" not in rig.stages("recovery")
    assert (rig.stages("recovery")["AWSCURRENT"] == token) is valued
    assert rig.accepts("recovery")


def test_a_cleared_label_after_a_half_done_change_of_master_heals(rig: Rig) -> None:
    """The only copy of the live password is then a version without any label."""
    token = rig.begin("master")
    rig.step("master", token, "createSecret")
    word = rig.value("master", VersionId=token)["password"]
    rig.as_master(f"ALTER ROLE master PASSWORD '{word}'")
    rig.vault.update_secret_version_stage(
        SecretId=rig.env.secret_arns["master"],
        VersionStage="AWSPENDING",
        RemoveFromVersionId=token,
    )
    assert not rig.accepts("master")

    rig.rotate("master")

    assert rig.accepts("master")


@pytest.mark.parametrize("turn", range(DUPLICATES))
def test_duplicates_at_the_same_moment_do_no_harm(rig: Rig, turn: int) -> None:
    login = ("privacy", "app")[turn % 2]
    token = rig.begin(login)
    rig.step(login, token, "createSecret")
    for step in ("setSecret", "finishSecret"):
        results = together(8, lambda _, step=step: rig.step(login, token, step))
        assert [e for e in results if e is not None and not isinstance(e, NotPending)] == []
    assert rig.stages(login)["AWSCURRENT"] == token
    assert rig.accepts(login)


def test_a_password_that_does_not_log_in_is_not_promoted(rig: Rig) -> None:
    token = rig.begin("analytics")
    rig.step("analytics", token, "createSecret")
    before = rig.stages("analytics")["AWSCURRENT"]
    with pytest.raises(NewLoginRefused):
        rig.step("analytics", token, "finishSecret")
    assert rig.stages("analytics")["AWSCURRENT"] == before
