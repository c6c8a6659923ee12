"""Which alarms turned red after the fault and which came back, and whom that woke."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from chaos.background import Background

if TYPE_CHECKING:
    from chaos.timeline import Timeline
    from demo.platform import Platform

LOOK_EVERY_S: Final = 1.0
RED: Final = "ALARM"
QUEUE: Final = "streamflix-chaos-pager"


class Alarms:
    """Looks at every alarm of the environment each second."""

    def __init__(self, platform: Platform, timeline: Timeline) -> None:
        self._client = platform.client("cloudwatch")
        self._suffix = platform.suffix
        self._timeline = timeline
        self._states: dict[str, str] = {}
        self.red_at: dict[str, float] = {}
        """When each turned red first; names without prefix and environment."""
        self.cleared_at: dict[str, float] = {}
        self.background = Background("alarms", LOOK_EVERY_S, self._compare)

    def start(self) -> None:
        self._states = self._look()
        self.background.start()

    @property
    def red(self) -> set[str]:
        """Those that turned red since the start and still are."""
        return {name for name in self.red_at if self._states.get(name) == RED}

    def is_judged(self, name: str) -> bool:
        """Whether it has an opinion; before that, its first one says nothing about a fault."""
        return self._states.get(name) in (RED, "OK")

    def is_red(self, name: str) -> bool:
        return self._states.get(name) == RED

    def _compare(self) -> None:
        now, states = time.time(), self._look()
        for name, state in states.items():
            if state != self._states.get(name):
                self._turned(name, state, now)
        self._states = states

    def _turned(self, name: str, state: str, now: float) -> None:
        if state == RED:
            self.red_at.setdefault(name, now)
            self._timeline.note(now, f"alarm {name} is red")
        elif self._states.get(name) == RED:
            self.cleared_at[name] = now
            self._timeline.note(now, f"alarm {name} is {state}")

    def _look(self) -> dict[str, str]:
        pages = self._client.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix="streamflix-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        end = f"-{self._suffix}"
        return {
            alarm["AlarmName"].removeprefix("streamflix-").removesuffix(end): alarm["StateValue"]
            for page in pages
            for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ()))
            if alarm["AlarmName"].endswith(end)
        }


class Pager:
    """Subscribes a queue to the topic that wakes people, for as long as the game day takes."""

    def __init__(self, platform: Platform, timeline: Timeline) -> None:
        self._sqs, self._sns = platform.client("sqs"), platform.client("sns")
        self._topic = platform.outputs["PageTopicArn"]
        self._name = f"{QUEUE}-{platform.suffix}"
        self._timeline = timeline
        self._url = self._subscription = ""
        self.paged_at: dict[str, float] = {}
        """When a page about each composite alarm arrived, by its name as `Alarms` has it."""
        self._prefix, self._suffix = "streamflix-", f"-{platform.suffix}"
        self.background = Background("pager", 0, self._listen)

    def start(self) -> None:
        self._url = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        self._sqs.purge_queue(QueueUrl=self._url)  # pages of a game day that was killed
        wanted = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = wanted["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self._topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        answer = self._sns.subscribe(
            TopicArn=self._topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )
        self._subscription = answer["SubscriptionArn"]
        self.background.start()

    def close(self) -> None:
        """Takes queue and subscription away again. Safe to repeat."""
        self.background.stop()
        if self._subscription:
            self._sns.unsubscribe(SubscriptionArn=self._subscription)
            self._subscription = ""
        if self._url:
            self._sqs.delete_queue(QueueUrl=self._url)
            self._url = ""

    def _listen(self) -> None:
        answer = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        for message in answer.get("Messages", []):
            self._heard(json.loads(message["Body"]), time.time())
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    def _heard(self, envelope: dict[str, Any], now: float) -> None:
        try:
            page = json.loads(envelope["Message"])
        except ValueError:  # words for people: what an incident was
            self._timeline.note(now, f"page: {envelope.get('Subject') or envelope['Message'][:70]}")
            return
        name = str(page["AlarmName"]).removeprefix(self._prefix).removesuffix(self._suffix)
        self._timeline.note(now, f"page: {name} is {page['NewStateValue']}")
        if page["NewStateValue"] == RED:
            self.paged_at.setdefault(name, now)
