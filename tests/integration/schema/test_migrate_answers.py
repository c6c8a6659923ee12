"""Whatever breaks, CloudFormation is answered, or Lambda calls again."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from schema import logins, migrate
from streamflix import custom_resource
from streamflix.custom_resource import Unanswered
from tests.integration.schema.surroundings import EVENTS, SECRET
from tests.response_bucket import context

if TYPE_CHECKING:
    from tests.response_bucket import Bucket


def test_a_fault_of_ours_is_told_by_name_and_place_only(cloud, send, monkeypatch) -> None:
    def fault(*_: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(logins, "ensure", fault)

    answer = send("create")

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("KeyError at test_migrate_answers.py:")
    assert SECRET not in json.dumps(answer)


def test_a_broken_layer_is_told_too(cloud, send, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "schema.upgrade", None)

    answer = send("create")

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("ModuleNotFoundError at migrate.py:")


def test_even_an_exit_is_answered(cloud, send, bucket, monkeypatch) -> None:
    def leave(*_: object) -> None:
        raise SystemExit(SECRET)

    monkeypatch.setattr(migrate, "_act", leave)

    with pytest.raises(SystemExit):
        send("create")

    assert bucket.only()["Status"] == "FAILED"
    assert bucket.only()["Reason"].startswith("SystemExit ended the function")
    assert SECRET not in json.dumps(bucket.only())


def test_a_bucket_that_fails_is_tried_again(cloud, send, bucket) -> None:
    bucket.failures = custom_resource.ATTEMPTS - 1

    assert send("create")["Status"] == "SUCCESS"


def test_an_answer_that_cannot_be_delivered_makes_lambda_call_again(cloud, send, bucket) -> None:
    bucket.failures = custom_resource.ATTEMPTS

    with pytest.raises(Unanswered, match="HTTP 503"):
        send("delete")

    assert bucket.answers == []


def test_a_bucket_out_of_reach_makes_lambda_call_again(bucket) -> None:
    event = json.loads((EVENTS / "delete.json").read_text())
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        event["ResponseURL"] = f"http://127.0.0.1:{nobody.getsockname()[1]}/answer"

        with pytest.raises(Unanswered, match=r"ConnectionRefusedError|URLError"):
            migrate.handler(event, context(10))


@pytest.mark.parametrize(("kind", "status"), [("delete", "SUCCESS"), ("create", "FAILED")])
def test_cloudformation_is_answered_without_the_vendor_layer(
    bucket: Bucket, kind: str, status: str
) -> None:
    """In a process of its own, which finds our own code and nothing of others'."""
    event = json.loads((EVENTS / f"{kind}.json").read_text())
    event["ResponseURL"] = bucket.url
    script = (
        "import json, sys, types; sys.path[:0] = sys.argv[1:3]\n"
        "from schema import migrate\n"
        "context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: 10_000)\n"
        "migrate.handler(json.loads(sys.argv[3]), context)"
    )
    ours = [str(Path(module.__file__).parents[1]) for module in (migrate, custom_resource)]
    subprocess.run([sys.executable, "-I", "-S", "-c", script, *ours, json.dumps(event)], check=True)

    assert bucket.only()["Status"] == status
    if status == "FAILED":
        assert bucket.only()["Reason"].startswith("ModuleNotFoundError at ")
