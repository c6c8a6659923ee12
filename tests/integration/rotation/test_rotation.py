"""Each credential changes hands: what logs in before, between and afterwards."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from rotation import steps
from rotation.database import Database
from rotation.errors import (
    NewLoginRefused,
    NotOurSecret,
    NotPending,
    RightsDiffer,
    SecretDrifted,
    TooSoon,
)
from rotation.ticket import Ticket
from streamflix.addresses import AddressBook
from streamflix.errors import DatabaseUnreachable, EnvironmentHeld, ServerUntrusted
from streamflix.secrets import Login
from tests.integration.rotation.conftest import EXTRA
from tests.integration.schema.conftest import together
from tests.integration.tap import Tap

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


def test_a_silent_server_is_named_before_the_time_is_up(rig: Rig) -> None:
    token = rig.begin("analytics")
    rig.step("analytics", token, "createSecret")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rig.address("/silent", f"127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable, match="timeout expired"):
            rig.step("analytics", token, "setSecret", address_book="/silent")
        assert time.monotonic() - began < 15


def test_a_server_that_falls_silent_after_the_login_is_hung_up_on_in_time(rig: Rig) -> None:
    value = rig.value("analytics")
    login = Login(value["username"], value["password"])
    with Tap(f"{rig.host}:{rig.port}") as tap:
        rig.address("/tapped", tap.address)
        deadline = rig.deadline(4)
        database = Database(AddressBook("/tapped"), deadline, rig.ca)

        def ask() -> None:
            with database.session(login) as connection:
                tap.mute = True
                connection.cursor().execute("SELECT 1")

        with pytest.raises(DatabaseUnreachable, match="did not answer in time"):
            ask()
        assert deadline.remaining_seconds() > 0.5


def test_a_server_without_the_right_certificate_gets_no_password(rig: Rig, tmp_path: Any) -> None:
    import shutil

    from streamflix import postgres

    other = tmp_path / "ca.pem"
    shutil.copy(postgres.CA_FILE, other)  # without the laptop's authority
    token = rig.begin("analytics")
    rig.step("analytics", token, "createSecret")
    ticket = Ticket(rig.env.secret_arns["analytics"], token, "setSecret")
    with pytest.raises(ServerUntrusted):
        steps.run(ticket, rig.env, rig.deadline(), other)


def test_a_server_of_another_name_gets_no_password(rig: Rig) -> None:
    token = rig.begin("analytics")
    rig.step("analytics", token, "createSecret")
    with Tap(f"{rig.host}:{rig.port}", host="127.0.0.3") as tap:  # the certificate knows .1 and .2
        rig.address("/misnamed", tap.address)
        with pytest.raises(ServerUntrusted, match="does not match host name"):
            rig.step("analytics", token, "setSecret", address_book="/misnamed")


def test_a_server_without_tls_gets_no_password(rig: Rig) -> None:
    token = rig.begin("analytics")
    rig.step("analytics", token, "createSecret")
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as plain:

        def refuse_tls() -> None:
            client, _ = plain.accept()
            with client:
                heard.append(client.recv(8))
                client.sendall(b"N")
                heard.append(client.recv(1024))

        answering = threading.Thread(target=refuse_tls)
        answering.start()
        rig.address("/plain", f"127.0.0.1:{plain.getsockname()[1]}")
        with pytest.raises(ServerUntrusted, match="does not support SSL"):
            rig.step("analytics", token, "setSecret", address_book="/plain")
        answering.join(10)
    assert heard == [b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b""]  # SSLRequest, then nothing


def test_a_reader_gets_no_statement(rig: Rig) -> None:
    token = rig.begin("analytics")
    rig.step("analytics", token, "createSecret")
    described = rig.laptop.described()
    rig.address("/reader", f"{described['ReaderEndpoint']}:{described['Port']}")
    with pytest.raises(DatabaseUnreachable, match="read-only"):
        rig.step("analytics", token, "setSecret", address_book="/reader")


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
