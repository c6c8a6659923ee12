"""Alarms of a running laptop cloud, and who hears of them."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

PERIOD = 10  # the shortest that CloudWatch takes
SOON = 2.5
"""Seconds until an alarm is judged for the first time."""
WITHIN_A_PERIOD = PERIOD + SOON


@dataclass(frozen=True)
class Alarms:
    """Alarms that a test makes, on metrics of a namespace of its own."""

    cloud: Cloud
    namespace: str

    @classmethod
    def of(cls, cloud: Cloud) -> Alarms:
        return cls(cloud, f"Test/{uuid.uuid4().hex[:8]}")

    def publish(self, metric: str, *values: float, ago: float = 0, **dimensions: str) -> None:
        """Each value at the same moment, so many seconds ago."""
        where = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        data = {"MetricName": metric, "Dimensions": where, "Timestamp": time.time() - ago}
        self.cloud.client("cloudwatch").put_metric_data(
            Namespace=self.namespace, MetricData=[data | {"Value": value} for value in values]
        )

    def put(self, metric: str, **changes: Any) -> str:
        """An alarm that is red when the sum of ten seconds is above zero. Returns its name."""
        name = f"{self.namespace.replace('/', '-')}-{metric}-{uuid.uuid4().hex[:4]}"
        settings = {
            "AlarmName": name,
            "Namespace": self.namespace,
            "MetricName": metric,
            "Statistic": "Sum",
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
        }
        if "ExtendedStatistic" in changes:
            del settings["Statistic"]
        self.cloud.client("cloudwatch").put_metric_alarm(**settings | changes)
        return name

    def put_composite(self, rule: str, **changes: Any) -> str:
        name = f"{self.namespace.replace('/', '-')}-composite"
        wanted = {"AlarmName": name, "AlarmRule": rule} | changes
        self.cloud.client("cloudwatch").put_composite_alarm(**wanted)
        return name

    def delete(self) -> None:
        """Those of stacks go with their stacks."""
        watch, prefix = self.cloud.client("cloudwatch"), self.namespace.replace("/", "-")
        for kind in ("CompositeAlarm", "MetricAlarm"):
            found = watch.describe_alarms(AlarmNamePrefix=prefix, AlarmTypes=[kind])
            names = [alarm["AlarmName"] for alarm in found.get(f"{kind}s", [])]
            watch.delete_alarms(AlarmNames=names)

    def described(self, name: str) -> dict[str, Any]:
        kinds = ["MetricAlarm", "CompositeAlarm"]
        watch = self.cloud.client("cloudwatch")
        found = watch.describe_alarms(AlarmNames=[name], AlarmTypes=kinds)
        [alarm] = found.get("MetricAlarms", []) + found.get("CompositeAlarms", [])
        return dict(alarm)

    def turned(self, name: str, state: str, within: float = SOON) -> dict[str, Any]:
        """The alarm, once it is in this state."""
        return eventually(
            lambda: self.described(name), within, lambda seen: seen["StateValue"] == state
        )

    def judged(self, name: str) -> dict[str, Any]:
        """The alarm, once it was judged for the first time."""
        return eventually(
            lambda: self.described(name),
            SOON,
            lambda seen: not seen["StateReason"].startswith("Unchecked"),
        )


@dataclass(frozen=True)
class Pager:
    """A topic and the queue that hears it."""

    cloud: Cloud
    topic: str
    queue: str

    @classmethod
    def of(cls, cloud: Cloud) -> Pager:
        sns, sqs, name = cloud.client("sns"), cloud.client("sqs"), f"page-{uuid.uuid4().hex[:8]}"
        topic = sns.create_topic(Name=name)["TopicArn"]
        anybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}
        statements = [anybody | {"Resource": "*"}]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
        return cls(cloud, topic, url)

    def page(self) -> tuple[str, str]:
        """The next page: which alarm, and what it is now."""
        answer = self.cloud.client("sqs").receive_message(QueueUrl=self.queue, WaitTimeSeconds=5)
        [message] = answer["Messages"]
        self.cloud.client("sqs").delete_message(
            QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"]
        )
        told = json.loads(json.loads(message["Body"])["Message"])
        return told["AlarmName"], told["NewStateValue"]

    def silent(self) -> bool:
        answer = self.cloud.client("sqs").receive_message(QueueUrl=self.queue, WaitTimeSeconds=1)
        return "Messages" not in answer
