"""Nobody is refused while a credential changes hands.

Here at small scale; every lifetime of a cache and every gap by `make prove ROOM=rotation`.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from rotation import content
from rotation.ticket import STEPS
from tests.integration.rotation.window import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.rotation.conftest import Rig

FULL = bool(os.environ.get("ROTATION_WINDOWS"))
LIVES = (0.0, 5.0, 60.0) if FULL else (0.0, 1.0)
GAPS = (0.0, 1.5) if FULL else (0.2,)
"""Seconds between two steps: Secrets Manager calls a function for each."""


def _rotate(rig: Rig, login: str, gap: float) -> None:
    token = rig.begin(login)
    for step in STEPS:
        rig.step(login, token, step)
        time.sleep(gap)


def _naive(rig: Rig, login: str, gap: float) -> None:
    """What a rotation without a second password does: change, wait for the next step, promote."""
    arn, token = rig.env.secret_arns[login], rig.begin(login)
    text = content.replaced(rig.text(login), {"password": content.password()})
    rig.vault.put_secret_value(
        SecretId=arn, ClientRequestToken=token, SecretString=text, VersionStages=["AWSPENDING"]
    )
    value = rig.value(login, VersionId=token)
    rig.as_master(f"ALTER ROLE {value['username']} PASSWORD '{value['password']}'")
    time.sleep(gap)
    rig.vault.update_secret_version_stage(
        SecretId=arn,
        VersionStage="AWSCURRENT",
        MoveToVersionId=token,
        RemoveFromVersionId=rig.stages(login)["AWSCURRENT"],
    )
    rig.clear_label(login, token)


def test_the_clients_notice_a_naive_rotation(
    rig: Rig, record_property: Callable[[str, object], None]
) -> None:
    """The positive control: without failures here the other rows would prove nothing."""
    count = watch(rig, "app", 0.0, lambda: _naive(rig, "app", 1.5), ours=False)

    assert count.failed > 0
    assert count.window_seconds > 1
    _tell(record_property, count)


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("ttl", LIVES)
@pytest.mark.parametrize("login", ["analytics", "redis/ops"])
def test_a_bare_client_is_never_refused(
    rig: Rig,
    login: str,
    ttl: float,
    gap: float,
    record_property: Callable[[str, object], None],
) -> None:
    count = watch(rig, login, ttl, lambda: _rotate(rig, login, gap), ours=False)

    assert count.attempts > 30
    assert count.failed == 0
    _tell(record_property, count)


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("ttl", LIVES)
@pytest.mark.parametrize("login", ["master", "app"])
def test_our_client_is_never_refused_by_a_single_user_rotation(
    rig: Rig,
    login: str,
    ttl: float,
    gap: float,
    record_property: Callable[[str, object], None],
) -> None:
    count = watch(rig, login, ttl, lambda: _rotate(rig, login, gap), ours=True)

    assert count.attempts > 30
    assert count.failed == 0
    _tell(record_property, count)


@pytest.mark.parametrize("gap", GAPS)
def test_a_single_user_rotation_refuses_bare_clients_for_a_moment_only(
    rig: Rig, gap: float, record_property: Callable[[str, object], None]
) -> None:
    """0.1 s by `make prove`; beside other suites on two cores it must not be the gap at least."""
    count = watch(rig, "app", 0.0, lambda: _rotate(rig, "app", gap), ours=False)

    assert count.window_seconds < (0.1 if FULL else 0.5)
    _tell(record_property, count)


def _tell(record_property: Callable[[str, object], None], count: object) -> None:
    for name in ("attempts", "failed", "window_seconds"):
        record_property(name, getattr(count, name))
