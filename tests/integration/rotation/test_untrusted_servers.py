"""A server that is silent, unproven or read-only gets no password and no statement."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from rotation import steps
from rotation.database import Database
from rotation.ticket import Ticket
from streamflix import postgres
from streamflix.addresses import AddressBook
from streamflix.errors import DatabaseUnreachable, ServerUntrusted
from streamflix.secrets import Login
from tests.integration.tap import Tap

if TYPE_CHECKING:
    from tests.integration.rotation.conftest import Rig


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
