"""No password is ever shown: not by the server, whatever it logs, and not by us.

pg_stat_statements joins by `make prove ROOM=rotation`, which fetches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest

from rotation import content, roles
from rotation.ticket import STEPS
from streamflix.errors import Permanent, Retryable
from streamflix.secrets import Login
from tests.integration.rotation import exposure

if TYPE_CHECKING:
    from tests.integration.rotation.conftest import Rig

CONFIGURATIONS = {
    "none": {"log_statement": "none"},
    "ddl": {"log_statement": "ddl"},
    "all": {"log_statement": "all"},
    "duration": {"log_min_duration_statement": "0"},
    "failing": {"default_transaction_read_only": "on"},  # log_min_error_statement=error, stock
    "everything": {
        "log_statement": "all",
        "log_min_duration_statement": "0",
        "log_min_messages": "debug2",
        "log_error_verbosity": "verbose",
    },
}
SHOW_PLAINTEXT = {"ddl", "all", "duration", "failing", "everything"}
"""Where a password that is written into the statement lands in the log."""

SETUP = (
    exposure.WRITABLE,
    "CREATE ROLE master LOGIN CREATEROLE",
    "GRANT ALL ON DATABASE streamflix TO master",
)


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_the_server_never_shows_a_password(name: str) -> None:
    word, control = content.password(), content.password()
    with exposure.server(**CONFIGURATIONS[name]) as server:
        server.run(*SETUP)
        read_only = name == "failing"
        connection = server.connect("master")
        with connection.cursor() as cursor:
            if not read_only:
                cursor.execute("CREATE ROLE analytics_rw")
                cursor.execute("GRANT analytics_rw TO master WITH SET TRUE")
                roles.set_login(cursor, "analytics", Login("analytics", word))
                roles.set_password(cursor, Login("analytics", word))
            else:
                with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
                    roles.set_password(cursor, Login("master", word))
            during = server.shown()
        connection.rollback() if read_only else connection.commit()
        connection.close()
        assert word not in during + server.shown()

        plain = f"ALTER ROLE master PASSWORD '{control}'"
        if read_only:
            with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
                server.run(plain)
        else:
            server.run(plain)
        seen = control in server.shown()
        must_be_seen = bool(exposure.STATEMENTS) or name in SHOW_PLAINTEXT
        assert seen or not must_be_seen, "the search would not have found a password"


def test_our_own_words_never_show_a_password(
    rig: Rig, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    words, told = set(), []
    for login in rig.env.secret_arns:
        token = rig.begin(login)
        for number, step in enumerate(STEPS):
            rig.step(login, token, step)
            if number == 0:
                words |= {rig.value(login, VersionId=token)["password"]}
                words |= {rig.value(login)["password"]}
        report = rig.sweep(login, repair=False)
        told.append(repr(report))
        for changes in ({"address_book": "/nowhere"}, {"redis_port": 1}):
            other = rig.begin(login)
            for step in STEPS:
                try:
                    rig.step(login, other, step, **changes)
                except (Permanent, Retryable) as error:
                    told.append(f"{error!r} {error}")
            found = rig.stages(login)
            if found.get("AWSPENDING") == other:
                words |= {_word(rig, login, other)} - {""}
                rig.clear_label(login, other)
    shown = capfd.readouterr()
    text = shown.out + shown.err + caplog.text + "\n".join(told)

    assert len(words) >= 2 * len(rig.env.secret_arns)
    assert len(told) > len(rig.env.secret_arns)
    assert [word for word in words if word in text] == []


def _word(rig: Rig, login: str, version: str) -> str:
    try:
        return str(rig.value(login, VersionId=version)["password"])
    except (KeyError, rig.vault.exceptions.ResourceNotFoundException):
        return ""
