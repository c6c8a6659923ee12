"""Alarms are judged as CloudWatch judges them: a failure turns one red, its composite pages."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.local.alarms import PERIOD, SOON, WITHIN_A_PERIOD, Alarms, Pager

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.local.conftest import Cloud

LOGS_EMF = """
import json, time
def handler(event, context):
    metric = {"Namespace": event["namespace"], "Dimensions": [["Environment"]],
              "Metrics": [{"Name": "Failures"}]}
    told = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]}}
    print(json.dumps(told | {"Environment": "test", "Failures": 1}))
"""


@pytest.fixture
def alarms(cloud: Cloud) -> Iterator[Alarms]:
    made = Alarms.of(cloud)
    yield made
    made.delete()


def test_a_bad_metric_turns_its_alarm_and_the_composite_red_and_pages(
    cloud: Cloud, alarms: Alarms
) -> None:
    pager = Pager.of(cloud)
    alarm = alarms.put("Failures", TreatMissingData="notBreaching", OKActions=[pager.topic])
    alarms.turned(alarm, "OK")
    assert pager.page() == (alarm, "OK")
    composite = alarms.put_composite(f'ALARM("{alarm}")', AlarmActions=[pager.topic])

    alarms.publish("Failures", 1)

    red = alarms.turned(alarm, "ALARM", 2 * PERIOD)
    assert "received [1.0]" in red["StateReason"]
    assert alarms.described(composite)["StateValue"] == "ALARM"
    assert pager.page() == (composite, "ALARM")


def test_recovery_turns_both_back_and_tells(cloud: Cloud, alarms: Alarms) -> None:
    pager = Pager.of(cloud)
    alarms.publish("Failures", 1, ago=PERIOD)
    alarm = alarms.put("Failures", AlarmActions=[pager.topic], OKActions=[pager.topic])
    composite = alarms.put_composite(f'ALARM("{alarm}")')
    alarms.turned(alarm, "ALARM")
    assert alarms.described(composite)["StateValue"] == "ALARM"
    assert pager.page() == (alarm, "ALARM")

    alarms.publish("Failures", 0)

    alarms.turned(alarm, "OK", WITHIN_A_PERIOD)
    assert alarms.described(composite)["StateValue"] == "OK"
    assert pager.page() == (alarm, "OK")
    history = cloud.client("cloudwatch").describe_alarm_history(AlarmName=alarm)
    updates = [json.loads(each["HistoryData"]) for each in history["AlarmHistoryItems"]]
    states = [each["newState"]["stateValue"] for each in updates]
    assert sorted(states) == ["ALARM", "INSUFFICIENT_DATA", "OK"]


def test_a_metric_that_a_function_logs_turns_an_alarm_red(cloud: Cloud, alarms: Alarms) -> None:
    cloud.function("al-logs", LOGS_EMF)
    where = [{"Name": "Environment", "Value": "test"}]
    alarm = alarms.put("Failures", Dimensions=where, TreatMissingData="notBreaching")

    assert cloud.invoke("al-logs", {"namespace": alarms.namespace}) == (None, None)

    alarms.turned(alarm, "ALARM", 2 * PERIOD)


def test_an_alarm_sees_only_data_of_exactly_its_dimensions(alarms: Alarms) -> None:
    alarms.publish("Failures", 1, ago=PERIOD, Environment="other")
    here = [{"Name": "Environment", "Value": "here"}]
    without = alarms.put("Failures")
    other = alarms.put("Failures", Dimensions=here)
    same = alarms.put("Failures", Dimensions=[{"Name": "Environment", "Value": "other"}])

    alarms.turned(same, "ALARM")
    for each in (without, other):
        assert alarms.judged(each)["StateReason"] == "Insufficient Data: 1 datapoint was unknown."


@pytest.mark.parametrize(
    ("statistic", "threshold", "state"),
    [
        ("Sum", 59, "ALARM"),
        ("Sum", 60, "OK"),
        ("Average", 14, "ALARM"),
        ("Average", 15, "OK"),
        ("Maximum", 29, "ALARM"),
        ("Minimum", 5, "OK"),
        ("SampleCount", 3, "ALARM"),
        ("p50", 12, "ALARM"),
        ("p50", 13, "OK"),
    ],
)
def test_each_statistic_is_that_of_the_period(
    alarms: Alarms, statistic: str, threshold: float, state: str
) -> None:
    alarms.publish("Took", 5, 10, 15, 30, ago=PERIOD)
    kind = "ExtendedStatistic" if statistic.startswith("p") else "Statistic"
    changes: dict[str, Any] = {kind: statistic, "Threshold": threshold}

    alarms.turned(alarms.put("Took", **changes), state)


def test_m_of_n_looks_at_the_last_n_periods(alarms: Alarms) -> None:
    for periods, value in ((4, 1), (3, 0), (2, 1), (1, 0)):
        alarms.publish("Failures", value, ago=periods * PERIOD)

    two_of_three = alarms.put("Failures", EvaluationPeriods=3, DatapointsToAlarm=2)
    two_of_four = alarms.put("Failures", EvaluationPeriods=4, DatapointsToAlarm=2)

    alarms.turned(two_of_four, "ALARM")
    alarms.turned(two_of_three, "OK")


def test_a_state_set_by_hand_lasts_until_the_next_period_has_its_say(
    cloud: Cloud, alarms: Alarms
) -> None:
    alarm = alarms.put("Failures", TreatMissingData="ignore")
    alarms.publish("Failures", 0)
    set_state = {"AlarmName": alarm, "StateValue": "ALARM", "StateReason": "a test"}
    cloud.client("cloudwatch").set_alarm_state(**set_state)

    assert alarms.described(alarm)["StateReason"] == "a test"
    alarms.turned(alarm, "OK", WITHIN_A_PERIOD)


def test_without_data_a_state_set_by_hand_stays_when_missing_data_is_ignored(
    cloud: Cloud, alarms: Alarms
) -> None:
    alarm = alarms.put("Failures", TreatMissingData="ignore")
    probe = alarms.put("Failures", TreatMissingData="notBreaching")
    for each in (alarm, probe):
        set_state = {"AlarmName": each, "StateValue": "ALARM", "StateReason": "a test"}
        cloud.client("cloudwatch").set_alarm_state(**set_state)

    alarms.turned(probe, "OK", WITHIN_A_PERIOD)

    assert alarms.described(alarm)["StateValue"] == "ALARM"


def test_what_has_no_source_here_stays_without_data_and_says_why(alarms: Alarms) -> None:
    changes = {"Namespace": "AWS/ECS", "TreatMissingData": "breaching"}

    judged = alarms.judged(alarms.put("CPUUtilization", **changes))

    assert judged["StateValue"] == "INSUFFICIENT_DATA"
    assert judged["StateReason"] == "The laptop has no source of AWS/ECS CPUUtilization."


def test_anomaly_detection_is_not_judged_and_says_so(alarms: Alarms) -> None:
    alarms.publish("Failures", 1, ago=PERIOD)

    judged = alarms.judged(alarms.put("Failures", ComparisonOperator="GreaterThanUpperThreshold"))

    assert judged["StateValue"] == "INSUFFICIENT_DATA"
    assert "anomaly detection" in judged["StateReason"]


def test_silence_counts_once_it_has_been_listened_to(alarms: Alarms) -> None:
    alarm = alarms.put("Beats", TreatMissingData="breaching", Period=2)
    alarms.turned(alarms.put("Beats", TreatMissingData="notBreaching"), "OK")
    seen = alarms.described(alarm)
    assert seen["StateValue"] == "INSUFFICIENT_DATA"
    assert seen["StateReason"] == "Silence counts after 6 seconds."

    red = alarms.turned(alarm, "ALARM", 3 * 2 + 2 + SOON)

    assert "1 missing treated as [Breaching]" in red["StateReason"]


def test_disabled_actions_are_not_taken(cloud: Cloud, alarms: Alarms) -> None:
    pager = Pager.of(cloud)
    alarms.publish("Failures", 1, ago=PERIOD)

    silent = {"ActionsEnabled": False, "AlarmActions": [pager.topic]}
    alarms.turned(alarms.put("Failures", **silent), "ALARM")

    assert pager.silent()


def test_metric_math_turns_an_alarm_of_a_stack_red(cloud: Cloud, alarms: Alarms) -> None:
    def read(name: str) -> dict[str, Any]:
        metric = {"Namespace": alarms.namespace, "MetricName": name, "Dimensions": []}
        stat = {"Metric": metric, "Period": PERIOD, "Stat": "Sum"}
        return {"Id": name, "ReturnData": False, "MetricStat": stat}

    share = "IF(calls >= 20, 100 * FILL(failed, 0) / calls, 0)"
    properties = {
        "AlarmName": "al-share",
        "Metrics": [{"Id": "share", "Expression": share}, read("calls"), read("failed")],
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 4,
    }
    alarms.publish("calls", 40, ago=PERIOD)
    alarms.publish("failed", 2, ago=PERIOD)

    cloud.deploy("al-share", {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}})

    assert "[5.0]" in alarms.turned("al-share", "ALARM", SOON)["StateReason"]
    cloud.delete("al-share")


def test_metrics_are_still_told(cloud: Cloud, alarms: Alarms) -> None:
    alarms.publish("Took", 5, 10)
    watch, now = cloud.client("cloudwatch"), time.time()
    window = {"StartTime": now - 60, "EndTime": now + 60}

    statistics = watch.get_metric_statistics(
        Namespace=alarms.namespace, MetricName="Took", Period=60, Statistics=["Sum"], **window
    )
    metric = {"Namespace": alarms.namespace, "MetricName": "Took"}
    stat = {"Metric": metric, "Period": 60, "Stat": "Maximum"}
    data = watch.get_metric_data(MetricDataQueries=[{"Id": "a", "MetricStat": stat}], **window)

    assert [point["Sum"] for point in statistics["Datapoints"]] == [15]
    assert data["MetricDataResults"][0]["Values"] == [10]
