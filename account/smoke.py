"""Does it live? Asked after every deploy, from outside, and ends with a page that must arrive."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from account import tree
from account.names import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from account.guard import Account

SECONDS = 15
OK = 200
# A deploy that changes nothing leaves a stack as its last, rolled back one did: whole.
WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
REASON = "Test of the pager by `make deploy`: nothing is wrong, and OK follows at once."


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of life, or its absence; `remedy` only then."""

    name: str
    seen: str
    alive: bool = True
    remedy: str = ""


def test(account: Account, stack: str, outputs: Mapping[str, str]) -> Iterator[Sign]:
    """Stack, API, service behind it, pager."""
    yield _status(account.client("cloudformation"), stack)
    yield from _api(account.environment, outputs)
    yield from _page(account, outputs)


def _status(cloudformation: Any, stack: str) -> Sign:
    status = tree.root(cloudformation, stack).status
    if status in WELL:
        return Sign("stack", status)
    return Sign("stack", status, False, "Read why: make deploy prints the first failure.")


def _api(environment: str, outputs: Mapping[str, str]) -> Iterator[Sign]:
    """`/ping` is answered by API Gateway alone, `/health` by the service through the balancer."""
    url = outputs.get("APIGatewayURL", "").rstrip("/")
    if not url:
        yield Sign("API", "the stack has no APIGatewayURL: not asked")
        return
    yield _get(f"{url}/ping", "API", "Look at the stage's log: make logs ROOM=api")
    if environment == "local":
        yield Sign("service", "a laptop runs no tasks: not asked")
    else:
        yield _get(
            f"{url}/health", "service", "Look at the targets' health and at make logs ROOM=service"
        )


def _get(url: str, name: str, remedy: str) -> Sign:
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - our own output
            code = answer.status
    except urllib.error.HTTPError as error:
        code = error.code
        error.close()
    except OSError as error:
        return Sign(name, f"{url} does not answer: {error}", False, remedy)
    return Sign(name, f"{url} answered {code}", code == OK, "" if code == OK else remedy)


def _page(account: Account, outputs: Mapping[str, str]) -> Iterator[Sign]:
    """Put one alarm that pages into ALARM and back. Composites first: they are what pages."""
    topic = outputs.get("PageTopicArn", "")
    cloudwatch = account.client("cloudwatch")
    alarm = _that_pages(cloudwatch, account.environment, topic)
    if alarm is None:
        yield Sign("pager", "no alarm pages", False, "Have a composite alarm act on PageTopicArn.")
        return
    name, state = alarm["AlarmName"], alarm["StateValue"]
    if state == "ALARM":
        yield Sign("pager", f"{name} is in ALARM in earnest: see to it", False, _runbook(alarm))
        return
    try:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=REASON)
    finally:  # a composite does not find back by itself until a child changes
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason=REASON)
    confirmed = _confirmed(account.client("sns"), topic)
    if confirmed:
        yield Sign("pager", f"{name} was put into ALARM and back: a page must arrive now")
    elif account.environment == "prod":
        yield Sign(
            "pager",
            f"{name} was put into ALARM, and nobody was told",
            False,
            "Confirm the subscription of the page topic: AWS has sent a message with a link.",
        )
    else:
        yield Sign("pager", f"{name} was put into ALARM and back; nobody subscribes, nobody woke")


def _that_pages(cloudwatch: Any, environment: str, topic: str) -> dict[str, Any] | None:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix="streamflix-", AlarmTypes=["CompositeAlarm", "MetricAlarm"]
    )
    found: dict[str, list[dict[str, Any]]] = {"CompositeAlarms": [], "MetricAlarms": []}
    for page in pages:
        for kind, alarms in found.items():
            alarms += [
                each
                for each in page.get(kind, [])
                if is_ours(environment, each["AlarmName"]) and topic in each.get("AlarmActions", [])
            ]
    every = found["CompositeAlarms"] + found["MetricAlarms"]
    return every[0] if every else None


def _runbook(alarm: Mapping[str, Any]) -> str:
    text = str(alarm.get("AlarmDescription", ""))
    return text[text.find("Runbook:") :] if "Runbook:" in text else "Read the alarm's description."


def _confirmed(sns: Any, topic: str) -> int:
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return sum(
        each["SubscriptionArn"].startswith("arn:")
        for page in pages
        for each in page["Subscriptions"]
    )
