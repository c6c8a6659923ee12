"""Gap: alarms are judged only by PutMetricData, on all dimensions at once, with one period of all.

Neither M out of N, missing data nor metric math counts, and what functions log turns nothing red.
Here a thread judges every alarm as `local.alarm_rules` says, at the end of each minute, or of each
period when that is shorter; only a change of state is told. The clock is as many seconds ahead as
the file ``<home>/alarms-clock`` says.

Two differences from AWS. An alarm on what no source here publishes is left alone and says so. One
that takes silence for a failure waits until it has listened for its whole evaluation range: here
everything is made within the same minute.

Not emulated: anomaly detection and metric math beyond `local.metric_math`; such alarms say so.

Test: tests/contract/local/test_alarm_states.py
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import cloudwatch

from local import alarm_data, alarm_rules
from local.alarm_rules import ALARM, COMPARISONS, INSUFFICIENT, Rule
from local.metric_math import UnsupportedExpressionError
from local.rotation_schedule import Clock

if TYPE_CHECKING:
    from local.context import Cloud
    from local.metric_sources import Metrics

    Alarm = dict[str, Any]
    Key = tuple[str, str, str]

PATCHES: tuple[str, ...] = (
    *alarm_data.PATCHES,
    "ministack.core.responses:_request_account_id",
    "ministack.core.responses:_request_region",
    "ministack.services.cloudwatch:_alarms",
    "ministack.services.cloudwatch:_dispatch_alarm_actions",
    "ministack.services.cloudwatch:_evaluate_alarm",
    "ministack.services.cloudwatch:_evaluate_parent_alarms",
    "ministack.services.cloudwatch:_record_history",
)
TYPES: tuple[str, ...] = ()

CLOCK = "alarms-clock"
TICK_SECONDS = 1.0
SETTLE_SECONDS = 0.5
"""A period is judged this long after its end, when what was published in it has arrived."""
UNCHECKED = "Unchecked: Initial alarm creation"

logger = logging.getLogger("streamflix.alarms")


def install(cloud: Cloud) -> None:
    cloud.metrics.give("AWS/Lambda", "Invocations", "Errors", "Throttles", "Duration")
    cloudwatch._evaluate_alarm = lambda _: None
    judge = Judge(Clock(cloud.instance.home / CLOCK), cloud.metrics)
    end = threading.Event()
    cloud.at_exit.callback(end.set)
    threading.Thread(target=judge.sit, args=(end,), name="alarms", daemon=True).start()


class Judge:
    """Judges alarms. `_heard` is since when it knows each, `_judged` up to which moment."""

    def __init__(self, clock: Clock, metrics: Metrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._heard: dict[Key, float] = {}
        self._judged: dict[Key, float] = {}

    def sit(self, end: threading.Event) -> None:
        while not end.wait(TICK_SECONDS):
            now = self._clock.now() - SETTLE_SECONDS
            alarms = dict(cloudwatch._alarms.all_items())
            for gone in self._heard.keys() - alarms.keys():
                del self._heard[gone], self._judged[gone]
            for key, alarm in alarms.items():
                try:
                    self._consider(key, alarm, now)
                except Exception:
                    logger.exception("%s could not be judged", key[2])

    def _consider(self, key: Key, alarm: Alarm, now: float) -> None:
        """Judge an alarm if a period has ended since the last time."""
        period = alarm_data.period(alarm)
        until = alarm_rules.window_end(now, period)
        heard = self._heard.setdefault(key, now)
        fresh = alarm["StateReason"] == UNCHECKED and key not in self._judged
        before = self._judged.setdefault(key, until)
        if until > before or fresh:
            self._judged[key] = until
            _request_account_id.set(key[0])
            _request_region.set(key[1])
            self._judge(alarm, until, heard)

    def _judge(self, alarm: Alarm, until: float, heard: float) -> None:
        if problem := self._problem(alarm):
            _excuse(alarm, problem)
            return
        rule = Rule.of(alarm)
        try:
            values = alarm_data.values(alarm, until, rule.range)
        except UnsupportedExpressionError as unsupported:
            _excuse(alarm, f"The laptop cannot evaluate this alarm: {unsupported}.")
            return
        needed = rule.range * alarm_data.period(alarm)
        silent = sum(value is not None for value in values) < rule.periods
        if rule.missing == "breaching" and silent and until - heard < needed:
            _excuse(alarm, f"Silence counts after {needed} seconds.")
            return
        verdict = rule.judge(values)
        if verdict.state == alarm["StateValue"] == INSUFFICIENT:
            _excuse(alarm, verdict.reason)
        elif verdict.state not in (None, alarm["StateValue"]):
            _turn(alarm, str(verdict.state), verdict.reason)

    def _problem(self, alarm: Alarm) -> str:
        """Why this alarm cannot be judged here; empty when it can."""
        if alarm.get("ComparisonOperator") not in COMPARISONS or alarm.get("ThresholdMetricId"):
            return "The laptop cannot evaluate this alarm: it knows no anomaly detection."
        watched = [read["Metric"] for read in alarm_data.reads(alarm).values()]
        known = [self._metrics.has(metric["Namespace"], metric["MetricName"]) for metric in watched]
        if any(known):
            return ""
        names = {f"{metric['Namespace']} {metric['MetricName']}" for metric in watched}
        return f"The laptop has no source of {', '.join(sorted(names))}."


def _excuse(alarm: Alarm, reason: str) -> None:
    """Leave a state as it is, and say why nothing else is known. A hand may set it meanwhile."""
    if alarm["StateValue"] == INSUFFICIENT and alarm["StateReason"] != reason:
        alarm["StateReason"] = reason
        logger.info("%s: %s", alarm["AlarmName"], reason)


def _turn(alarm: Alarm, state: str, reason: str) -> None:
    before = alarm["StateValue"]
    alarm |= {
        "StateValue": state,
        "StateReason": reason,
        "StateUpdatedTimestamp": int(time.time()),
    }
    if state == ALARM:
        logger.info("%s is in ALARM: %s", alarm["AlarmName"], reason)
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
