"""Gap: services tell CloudWatch nothing of what they hold: messages, connections, age.

Here the gauges of `Cloud.metrics` are asked every five seconds, where AWS publishes once a minute,
so that a short period has a value too. What is older than five minutes becomes one statistic set
for each minute.

Test: tests/contract/local/test_queue_metrics.py
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import cloudwatch

from local.alarm_rules import MINUTE
from local.hooks.alarm_states import CLOCK
from local.metric_sources import by_the_minute
from local.rotation_schedule import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.context import Cloud
    from local.metric_sources import Metrics, Reading

PATCHES: tuple[str, ...] = (
    "ministack.core.responses:_request_account_id",
    "ministack.core.responses:_request_region",
    "ministack.services.cloudwatch:_dims_key",
    "ministack.services.cloudwatch:_metric_bucket",
    "ministack.services.cloudwatch:_metrics",
)
TYPES: tuple[str, ...] = ()

SECONDS = 5.0
KEPT_FINE = 5 * MINUTE

logger = logging.getLogger("streamflix.gauges")


def install(cloud: Cloud) -> None:
    end = threading.Event()
    cloud.at_exit.callback(end.set)
    clock = Clock(cloud.instance.home / CLOCK)
    threading.Thread(
        target=measure, args=(cloud.metrics, clock, end), name="gauges", daemon=True
    ).start()


def measure(metrics: Metrics, clock: Clock, end: threading.Event) -> None:
    while not end.wait(SECONDS):
        for gauge in metrics.gauges:
            for reading in _asked(gauge):
                _record(reading, clock.now())


def _asked(gauge: Callable[[], Iterable[Reading]]) -> list[Reading]:
    try:
        return list(gauge())
    except Exception:
        logger.exception("%s gave no values", gauge.__qualname__)
        return []


def _record(reading: Reading, now: float) -> None:
    _request_account_id.set(reading.account)
    _request_region.set(reading.region)
    key = (reading.namespace, reading.name, cloudwatch._dims_key(reading.dimensions))
    points = cloudwatch._metric_bucket(key)
    if points and points[-1]["Timestamp"] // MINUTE != now // MINUTE:
        points = cloudwatch._metrics[key] = by_the_minute(points, now - KEPT_FINE)
    points.append(
        {
            "Timestamp": now,
            "Value": reading.value,
            "Unit": reading.unit,
            "Dimensions": reading.dimensions,
        }
    )
