"""The custom resource that closes the default group: what CloudFormation hears is true."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from network import close, default_group
from streamflix import aws, custom_resource
from streamflix.custom_resource import BadRequest
from tests.response_bucket import context, open_bucket
from tests.security_groups import ANYWHERE, GROUP, MEMBERS, Ec2, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.response_bucket import Bucket

EVENTS = Path(__file__).parents[3] / "events" / "network"


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch) -> Ec2:
    ec2 = Ec2()
    monkeypatch.setattr(aws, "client", ec2.client)
    monkeypatch.setattr(default_group, "PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("ENVIRONMENT", "test")
    return ec2


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with open_bucket() as bucket:
        yield bucket


def event(kind: str, url: str) -> dict[str, Any]:
    return {**json.loads((EVENTS / f"{kind}.json").read_text()), "ResponseURL": url}


def send(bucket: Bucket, kind: str, seconds: float = 10) -> dict[str, Any]:
    close.handler(event(kind, bucket.url), context(seconds))
    return bucket.only()


@pytest.mark.parametrize("kind", ["create", "update"])
def test_the_group_is_empty_when_cloudformation_hears_so(
    ec2: Ec2, bucket: Bucket, kind: str
) -> None:
    answer = send(bucket, kind)

    assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"GroupId": GROUP}), answer["Reason"]
    assert answer["PhysicalResourceId"] == "closed-default-security-group"
    assert ec2.rules() == []


def test_delete_touches_nothing(ec2: Ec2, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVIRONMENT")
    monkeypatch.setattr(aws, "client", None)

    assert send(bucket, "delete")["Status"] == "SUCCESS"
    assert ec2.rules() == [MEMBERS, ANYWHERE]


def test_a_refusal_that_stays_is_told_in_ec2s_code_and_our_words(ec2: Ec2, bucket: Bucket) -> None:
    ec2.refusals = [refusal("UnauthorizedOperation")] * 10_000
    started = time.monotonic()

    answer = send(bucket, "create", seconds=0.5)

    assert time.monotonic() - started < 0.5
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"GroupStaysOpen: {GROUP}: UnauthorizedOperation. EC2 did ")
    assert "secret words" not in answer["Reason"]


def test_a_missing_setting_is_named(
    ec2: Ec2, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVIRONMENT")

    assert "ENVIRONMENT is missing" in send(bucket, "create")["Reason"]
    assert ec2.rules() == [MEMBERS, ANYWHERE]


def test_an_event_that_nobody_waits_for_is_refused(ec2: Ec2) -> None:
    with pytest.raises(BadRequest, match="the event lacks ResponseURL"):
        close.handler({**event("create", ""), "ResponseURL": None}, context(1))

    assert ec2.rules() == [MEMBERS, ANYWHERE]


@pytest.mark.parametrize(("kind", "status"), [("delete", "SUCCESS"), ("create", "FAILED")])
def test_cloudformation_is_answered_without_the_vendor_layer(
    bucket: Bucket, kind: str, status: str
) -> None:
    """In a process of its own, which finds our own code and nothing of others'."""
    script = (
        "import json, sys, types; sys.path[:0] = sys.argv[1:3]\n"
        "from network import close\n"
        "context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 10_000)\n"
        "close.handler(json.loads(sys.argv[3]), context)"
    )
    ours = [str(Path(str(module.__file__)).parents[1]) for module in (close, custom_resource)]
    told = json.dumps(event(kind, bucket.url))
    subprocess.run([sys.executable, "-I", "-S", "-c", script, *ours, told], check=True)

    assert bucket.only()["Status"] == status
    if status == "FAILED":
        assert bucket.only()["Reason"].startswith("ModuleNotFoundError at ")
