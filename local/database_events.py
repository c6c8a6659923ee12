"""Tells what happens to clusters as RDS does: by an event on the default bus, in DescribeEvents.

Its ids, categories and messages are those of "Amazon RDS event categories and event messages for
Aurora", its shape that of events which were seen.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import eventbridge, rds

from local.postgres_news import Happening

if TYPE_CHECKING:
    from local.postgres_news import News

PATCHES: tuple[str, ...] = (
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
    "ministack.core.responses:new_uuid",
    "ministack.services.eventbridge:_dispatch_event",
    "ministack.services.rds:_clusters",
    "ministack.services.rds:_events",
    "ministack.services.rds:_format_time",
    "ministack.services.rds:_instances",
)


def announce(name: str, news: News) -> None:
    """Tell what happened to the cluster of this name."""
    cluster, member = rds._clusters.get(name), rds._instances.get(news.member)
    if cluster is None or member is None:
        return  # gone meanwhile
    if news.what is Happening.RESTARTED:
        _tell(member, "availability", "RDS-EVENT-0006", "DB instance restarted", news)
    elif news.what is Happening.FAILOVER_COMPLETED:
        message = f"Completed failover to DB instance: {news.member}"
        _tell(cluster, "failover", "RDS-EVENT-0071", message, news)
    else:
        former = rds._instances.get(news.former) or {}
        same = former.get("AvailabilityZone") == member["AvailabilityZone"]
        zone, event = ("same AZ", "RDS-EVENT-0072") if same else ("cross AZ", "RDS-EVENT-0073")
        message = f"Started {zone} failover to DB instance: {news.member}"
        _tell(cluster, "failover", event, message, news)


def _tell(record: dict[str, Any], category: str, event: str, message: str, news: News) -> None:
    instance = "DBInstanceIdentifier" in record
    told = {
        "EventCategories": [category],
        "SourceArn": record["DBInstanceArn" if instance else "DBClusterArn"],
        "Message": message,
        "SourceIdentifier": record["DBInstanceIdentifier" if instance else "DBClusterIdentifier"],
    }
    rds._events[new_uuid()] = told | {
        "SourceType": "db-instance" if instance else "db-cluster",
        "Date": news.at.timestamp(),
    }
    detail = told | {
        "SourceType": "DB_INSTANCE" if instance else "CLUSTER",
        "Date": rds._format_time(news.at.timestamp()),
        "EventID": event,
    }
    if record.get("TagList"):
        detail["Tags"] = {tag["Key"]: tag["Value"] for tag in record["TagList"]}
    eventbridge._dispatch_event(
        {
            "EventId": new_uuid(),
            "Source": "aws.rds",
            "DetailType": f"RDS DB {'Instance' if instance else 'Cluster'} Event",
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": news.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Resources": [told["SourceArn"]],
            "Account": get_account_id(),
            "Region": get_region(),
        }
    )
