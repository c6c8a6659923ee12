"""How late those are who read: the stream's consumer, and the database's readers.

Checks as those in recovery.checks, of metrics that others publish.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from recovery.verdict import Verdict, at_most
from streamflix import aws

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from recovery.settings import MonitorSettings

STREAM_WINDOW = timedelta(minutes=5)
# The probe tells once a minute, and at once what is too old.
REPLICA_WINDOW = timedelta(minutes=3)


def stream(env: MonitorSettings, now: datetime) -> Verdict:
    """How long the oldest event waits that was not read; no answer means that nobody reads."""
    newest = _newest(
        "AWS/Kinesis GetRecords.IteratorAgeMilliseconds",
        {"StreamName": env.stream_name},
        now - STREAM_WINDOW,
        now,
    )
    if newest is None:
        return Verdict(breaches=("nobody has read the stream for five minutes",))
    return at_most(
        {"StreamWaitSeconds": newest / 1000},
        env.rpo_seconds,
        "an event has waited {value:.0f} s to be read; the objective is {limit:.0f} s",
    )


def replica(env: MonitorSettings, now: datetime) -> Verdict:
    """How old what readers show is, by the probe; no answer means that no reader was seen."""
    if not env.replica_lag_seconds:
        return Verdict()
    lag = _newest(
        "StreamFlix/Ops ReplicaLagSeconds",
        {"Environment": env.environment},
        now - REPLICA_WINDOW,
        now,
    )
    if lag is None:
        return Verdict(breaches=("no reader was seen for three minutes",))
    words = f"readers show what was {lag:.0f} s ago; {env.replica_lag_seconds} s are allowed"
    return Verdict(breaches=(words,) if lag > env.replica_lag_seconds else ())


def _newest(metric: str, of: Mapping[str, str], since: datetime, until: datetime) -> float | None:
    """The maximum of the newest minute; `metric` is namespace and name."""
    namespace, _, name = metric.partition(" ")
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in of.items()],
        StartTime=since,
        EndTime=until,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    newest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if newest is None else float(newest["Maximum"])
