"""A stack makes an archive of a bus, changes it in place, and takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def test_an_archive_lives_and_dies_with_its_stack(cloud: Cloud) -> None:
    events = cloud.client("events")

    def deploy(days: str) -> str:
        bus = {"Type": "AWS::Events::EventBus", "Properties": {"Name": "types-bus"}}
        properties = {
            "ArchiveName": "types-archive",
            "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]},
            "RetentionDays": days,
            "EventPattern": {"source": ["contract"]},
        }
        archive = {"Type": "AWS::Events::Archive", "Properties": properties}
        return str(cloud.deploy("types-events", {"Bus": bus, "Archive": archive})["StackStatus"])

    assert deploy("7") == "CREATE_COMPLETE"
    made = events.describe_archive(ArchiveName="types-archive")
    assert (made["RetentionDays"], made["EventPattern"]) == (7, '{"source": ["contract"]}')

    assert deploy("9") == "UPDATE_COMPLETE"
    assert events.describe_archive(ArchiveName="types-archive")["RetentionDays"] == 9

    cloud.delete("types-events")
    assert events.list_archives()["Archives"] == []
