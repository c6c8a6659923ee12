"""What has a source on the laptop, and how much of what is measured is kept."""

from __future__ import annotations

from local.metric_sources import Metrics, by_the_minute


def test_a_service_s_metric_has_a_source_only_when_a_hook_says_so() -> None:
    metrics = Metrics()
    metrics.give("AWS/SQS", "Visible")

    assert metrics.has("AWS/SQS", "Visible")
    assert not metrics.has("AWS/SQS", "Age")
    assert not metrics.has("AWS/ECS", "Visible")
    assert not metrics.has("ECS/ContainerInsights", "RunningTaskCount")
    assert metrics.has("StreamFlix/Ops", "whatever a function logs")


def test_an_old_minute_is_kept_as_one_statistic_set() -> None:
    points = [{"Timestamp": float(moment), "Value": moment / 30} for moment in range(0, 240, 30)]

    made = by_the_minute(points, before=130)

    assert [point["Timestamp"] for point in made] == [0, 60, 120, 150, 180, 210]
    expected = {"SampleCount": 2, "Sum": 5.0, "Minimum": 2.0, "Maximum": 3.0}
    assert made[1]["_stat"] == expected
    assert by_the_minute(made, before=130) == made
