"""Signs of life after a deploy, and the page that must arrive."""

from __future__ import annotations

import io
import urllib.error
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import pytest

from account import sam, smoke
from tests.unit.account.answers import Answers, Refused

TOPIC = "arn:aws:sns:eu-central-1:123456789012:streamflix-page-dev"
OUTPUTS = {"PageTopicArn": TOPIC}


def alarm(name: str, state: str = "OK", topic: str = TOPIC) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "StateValue": state,
        "AlarmActions": [topic],
        "AlarmDescription": "Down. Runbook: docs/runbooks/platform-down.md",
    }


@pytest.fixture
def answers() -> Answers:
    answers = Answers()
    one = {
        "StackId": "arn:stack",
        "StackName": "streamflix-dev",
        "CreationTime": datetime.now(UTC),
        "StackStatus": "UPDATE_COMPLETE",
    }
    answers["cloudformation.describe_stacks"] = {"Stacks": [one]}
    answers["cloudwatch.set_alarm_state"] = {}
    subscriptions = [{"SubscriptionArn": f"{TOPIC}:1"}, {"SubscriptionArn": "PendingConfirmation"}]
    answers["sns.list_subscriptions_by_topic"] = {"Subscriptions": subscriptions}
    answers["cloudwatch.describe_alarms"] = {
        "CompositeAlarms": [alarm("streamflix-platform-down-dev")],
        "MetricAlarms": [alarm("streamflix-analytics-gave-up-dev")],
    }
    return answers


def signs(answers: Answers, environment: str = "dev", **outputs: str) -> dict[str, smoke.Sign]:
    account = answers.account(environment)
    return {each.name: each for each in smoke.test(account, "streamflix-dev", OUTPUTS | outputs)}


def states(answers: Answers) -> list[tuple[str, str]]:
    calls = answers.called("cloudwatch.set_alarm_state")
    return [(each["AlarmName"], each["StateValue"]) for each in calls]


def test_a_composite_goes_into_alarm_and_back_with_a_clear_reason(answers: Answers) -> None:
    sign = signs(answers)["pager"]

    name = "streamflix-platform-down-dev"
    assert states(answers) == [(name, "ALARM"), (name, "OK")]
    assert "nothing is wrong" in answers.called("cloudwatch.set_alarm_state")[0]["StateReason"]
    assert sign.alive
    assert "a page must arrive now" in sign.seen


def test_it_goes_back_when_the_alarm_state_could_not_be_set_for_sure(answers: Answers) -> None:
    answers["cloudwatch.set_alarm_state"] = lambda **asked: (
        Refused("InternalServiceFault") if asked["StateValue"] == "ALARM" else {}
    )

    with pytest.raises(Exception, match="InternalServiceFault"):
        signs(answers)

    assert states(answers)[-1][1] == "OK"


def test_an_alarm_in_earnest_is_left_alone_and_is_no_sign_of_life(answers: Answers) -> None:
    answers["cloudwatch.describe_alarms"] = {
        "CompositeAlarms": [alarm("streamflix-platform-down-dev", "ALARM")]
    }

    sign = signs(answers)["pager"]

    assert states(answers) == []
    assert (sign.alive, sign.remedy) == (False, "Runbook: docs/runbooks/platform-down.md")


def test_alarms_of_others_and_alarms_that_page_nobody_are_left_alone(answers: Answers) -> None:
    answers["cloudwatch.describe_alarms"] = {
        "CompositeAlarms": [alarm("streamflix-platform-down-prod")],
        "MetricAlarms": [alarm("streamflix-redis-cpu-high-dev", topic="arn:ticket")],
    }

    assert signs(answers)["pager"].seen == "no alarm pages"
    assert states(answers) == []


@pytest.mark.parametrize(("environment", "alive"), [("dev", True), ("prod", False)])
def test_a_page_that_nobody_gets_is_a_fault_in_production_only(
    answers: Answers, environment: str, alive: bool
) -> None:
    answers["sns.list_subscriptions_by_topic"] = {
        "Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]
    }
    name = f"streamflix-platform-down-{environment}"
    answers["cloudwatch.describe_alarms"] = {"CompositeAlarms": [alarm(name)]}

    assert signs(answers, environment)["pager"].alive is alive


@pytest.mark.parametrize(
    ("environment", "asked"),
    [("dev", ["https://api.example.org/live/ping", "https://api.example.org/live/health"]),
     ("local", ["https://api.example.org/live/ping"])],
)  # fmt: skip
def test_the_service_behind_the_balancer_is_asked_where_there_is_one(
    answers: Answers, monkeypatch, environment: str, asked: list[str]
) -> None:
    seen: list[str] = []

    def get(url: str, name: str, remedy: str) -> smoke.Sign:
        seen.append(url)
        return smoke.Sign(name, "answered 200")

    monkeypatch.setattr(smoke, "_get", get)

    signs(answers, environment, APIGatewayURL="https://api.example.org/live/")

    assert seen == asked


def silence(*_: object, **__: object) -> None:
    raise TimeoutError("timed out")


def broken(*_: object, **__: object) -> None:
    raise urllib.error.HTTPError("https://x", 503, "no", Message(), io.BytesIO())


@pytest.mark.parametrize(
    ("answer", "seen"), [(silence, "does not answer: timed out"), (broken, "answered 503")]
)
def test_an_api_that_does_not_answer_is_a_fault_with_a_remedy(
    answers: Answers, monkeypatch, answer: Any, seen: str
) -> None:
    monkeypatch.setattr(smoke.urllib.request, "urlopen", answer)

    sign = signs(answers, APIGatewayURL="https://x/live")["API"]

    assert not sign.alive
    assert seen in sign.seen
    assert sign.remedy == "Look at the stage's log: make logs ROOM=api"


@pytest.mark.parametrize(
    ("status", "alive"),
    [
        ("CREATE_COMPLETE", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),  # and the deploy after it changed nothing
        ("UPDATE_ROLLBACK_FAILED", False),
    ],
)
def test_the_stack_is_whole(answers: Answers, status: str, alive: bool) -> None:
    one = {
        "StackId": "arn:stack",
        "StackName": "s",
        "CreationTime": datetime.now(UTC),
        "StackStatus": status,
    }
    answers["cloudformation.describe_stacks"] = {"Stacks": [one]}

    assert signs(answers)["stack"].alive is alive


def test_a_build_for_an_account_inherits_nothing_that_makes_it_fit_the_laptop() -> None:
    shell = {"PATH": "/bin", "STREAMFLIX_BUILD": "host", "STREAMFLIX_EXTRA_CA": "/ca.pem"}

    assert set(sam.environment_of("prod", shell)) == {
        "PATH",
        "SAM_CLI_TELEMETRY",
        "STREAMFLIX_UV",
    }
    assert sam.environment_of("local", shell)["STREAMFLIX_BUILD"] == "host"
