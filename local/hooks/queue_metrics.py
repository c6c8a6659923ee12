"""Gap: nothing tells CloudWatch how many messages wait in a queue.

Test: tests/contract/local/test_queue_metrics.py
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ministack.services import sqs

from local.metric_sources import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.services.sqs:_queues",)
TYPES: tuple[str, ...] = ()

VISIBLE = "ApproximateNumberOfMessagesVisible"


def install(cloud: Cloud) -> None:
    cloud.metrics.give("AWS/SQS", VISIBLE)
    cloud.metrics.measure(waiting)


def waiting() -> Iterator[Reading]:
    now = time.time()
    for (account, region, url), queue in sqs._queues.all_items():
        visible = sum(message["visible_at"] <= now for message in list(queue["messages"]))
        name = {"QueueName": url.rpartition("/")[2]}
        yield Reading(account, region, "AWS/SQS", VISIBLE, visible, "Count", name)
