"""A message in a dead-letter queue turns the alarm on it red."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.local.alarms import PERIOD, SOON, Alarms

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def test_a_dead_letter_turns_its_alarm_red(cloud: Cloud) -> None:
    alarms, sqs = Alarms.of(cloud), cloud.client("sqs")
    url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    alarm = alarms.put(
        "ApproximateNumberOfMessagesVisible",
        Namespace="AWS/SQS",
        Dimensions=[{"Name": "QueueName", "Value": "dead-letters"}],
        Statistic="Maximum",
        TreatMissingData="notBreaching",
    )

    red = alarms.turned(alarm, "ALARM", 2 * PERIOD - SOON)

    assert "received [1.0]" in red["StateReason"]
