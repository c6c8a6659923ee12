"""The default security group ends up empty, and no other one is ever touched."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from network import default_group
from network.errors import GroupStaysOpen, NoDefaultGroup
from network.settings import Settings
from streamflix import aws
from streamflix.custom_resource import Request
from streamflix.deadline import Deadline
from streamflix.errors import SettingsInvalid
from tests.security_groups import GROUP, MEMBERS, Ec2, refusal

EVENTS = Path(__file__).parents[3] / "events" / "network"


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Ec2:
    ec2 = Ec2()
    monkeypatch.setattr(aws, "client", ec2.client)
    return ec2


def close(seconds: float = 60) -> tuple[int, list[str]]:
    """How many rules there were, and what was waited for, on a clock that only pauses move."""
    now, waited = [0.0], list[str]()

    def sleep(pause: float) -> None:
        now[0] += pause

    found = default_group.close(
        GROUP,
        Deadline(seconds, seconds, clock=lambda: now[0]),
        waits=lambda error: waited.append(str(error)),
        sleep=sleep,
    )
    return found, waited


@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_every_sample_is_a_request(kind: str) -> None:
    request = Request.from_event(json.loads((EVENTS / f"{kind}.json").read_text()))

    assert request.kind == kind.capitalize()
    assert request.text("GroupId") == GROUP


def test_a_group_is_emptied_both_ways(ec2: Ec2) -> None:
    assert close() == (2, [f"{GROUP} still has 2 rules"])
    assert ec2.rules() == []


def test_a_closed_group_is_left_alone(ec2: Ec2, monkeypatch: pytest.MonkeyPatch) -> None:
    ec2.groups[GROUP] |= {"in": [], "out": []}
    monkeypatch.setattr(ec2, "revoke_security_group_ingress", None)
    monkeypatch.setattr(ec2, "revoke_security_group_egress", None)

    assert close() == (0, [])


def test_what_ec2_still_shows_after_it_was_taken_out_is_no_error(ec2: Ec2) -> None:
    ec2.shown = [ec2.view(), ec2.view()]  # the second one is out of date

    found, waited = close()

    assert (found, ec2.rules()) == (2, [])
    assert waited == [f"{GROUP} still has 2 rules", f"{GROUP} is changing while we look"]


def test_a_refusal_that_passes_is_waited_for(ec2: Ec2) -> None:
    ec2.refusals = [
        refusal("UnauthorizedOperation"),  # the policy is a second old
        refusal("RequestLimitExceeded"),
        EndpointConnectionError(endpoint_url="https://ec2"),
    ]

    _, waited = close()

    assert ec2.rules() == []
    assert waited[:3] == [
        f"{GROUP}: UnauthorizedOperation",
        f"{GROUP}: RequestLimitExceeded",
        f"{GROUP}: EndpointConnectionError",
    ]


def test_a_refusal_that_stays_is_given_up_while_there_is_time_to_answer(ec2: Ec2) -> None:
    ec2.refusals = [refusal("UnauthorizedOperation")] * 100

    with pytest.raises(GroupStaysOpen, match=f"^{GROUP}: UnauthorizedOperation$"):
        close(seconds=60)

    paused = (100 - len(ec2.refusals) - 1) * default_group.PAUSE_SECONDS
    assert 60 * 0.7 < paused <= 60 * 0.8


@pytest.mark.parametrize(
    ("groups", "complaint"),
    [
        ({GROUP: {"GroupName": "streamflix-x", "in": [MEMBERS], "out": []}}, "is not the default"),
        ({}, "EC2 knows no security group"),
    ],
)
def test_another_group_is_never_emptied(ec2: Ec2, groups: Any, complaint: str) -> None:
    ec2.groups = copy.deepcopy(groups)

    with pytest.raises(NoDefaultGroup, match=complaint):
        close()

    assert ec2.groups == groups


def test_settings_that_are_missing_are_named() -> None:
    assert Settings.from_env({"ENVIRONMENT": "dev"}).environment == "dev"
    with pytest.raises(SettingsInvalid, match="ENVIRONMENT is missing"):
        Settings.from_env({})
