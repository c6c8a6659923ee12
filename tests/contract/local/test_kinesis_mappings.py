"""A mapping is stopped, goes on where it stood, ends, and is not made for who may not read."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow
from tests.contract.local.kinesis_source import CODE, READS, SCOPE, source
from tests.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.local.conftest import Cloud


def test_a_disabled_mapping_goes_on_where_it_stood_and_a_deleted_one_ends(cloud: Cloud) -> None:
    events = source(cloud, before=["one"])
    eventually(events.texts, within=5)

    events.set(Enabled=False)
    events.put(["two"])
    time.sleep(0.5)  # much longer than a reader takes to notice
    assert events.texts() == ["one"]

    events.set(Enabled=True, BatchSize=1)
    eventually(events.texts, within=5, wanted=lambda seen: seen == ["one", "two"])

    cloud.client("lambda").delete_event_source_mapping(UUID=events.mapping)
    events.put(["three"])
    time.sleep(0.5)
    assert events.texts() == ["one", "two"]


def test_a_mapping_is_disabled_once_no_batch_is_in_flight_and_goes_on_after_it(
    cloud: Cloud, tmp_path: Path
) -> None:
    signal = tmp_path / "in-flight"
    events = source(cloud, before=[f"linger:{signal}"])

    def state() -> str:
        return str(cloud.client("lambda").get_event_source_mapping(UUID=events.mapping)["State"])

    eventually(signal.exists, within=5)
    events.set(Enabled=False)
    events.put(["next"])
    assert state() == "Disabling"

    eventually(state, within=10, wanted=lambda seen: seen == "Disabled")
    lingered = events.texts()
    assert [text[:7] for text in lingered] == ["linger:"]

    events.set(Enabled=True)
    assert state() == "Enabled"
    eventually(events.texts, within=5, wanted=lambda seen: seen == [*lingered, "next"])


def test_a_role_that_cannot_read_the_stream_gets_no_mapping(cloud: Cloud) -> None:
    cloud.client("kinesis").create_stream(StreamName="unreadable", ShardCount=1)
    reads = [f"kinesis:{each}" for each in READS if each != "ListShards"]
    role = cloud.role("unreading", allow(reads, SCOPE + "unreadable"))
    cloud.function("unreading", CODE, role)

    with pytest.raises(ClientError, match=r"Cannot access stream .* lacks kinesis:ListShards"):
        cloud.client("lambda").create_event_source_mapping(
            FunctionName="unreading",
            EventSourceArn=SCOPE + "unreadable",
            StartingPosition="LATEST",
        )
    calls = [call for call in cloud.calls("kinesis:GetRecords") if "unreading" in call["principal"]]
    assert not [call for call in calls if not call["allowed"]]

    cloud.client("iam").put_role_policy(
        RoleName="unreading",
        PolicyName="more",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [allow("kinesis:ListShards", "*")]}
        ),
    )
    queue = "arn:aws:sqs:eu-central-1:000000000000:nobodys"
    with pytest.raises(ClientError, match="permissions to call sqs:SendMessage on " + queue):
        cloud.client("lambda").create_event_source_mapping(
            FunctionName="unreading",
            EventSourceArn=SCOPE + "unreadable",
            StartingPosition="LATEST",
            DestinationConfig={"OnFailure": {"Destination": queue}},
        )

    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": "unreading",
            "EventSourceArn": SCOPE + "unreadable",
            "StartingPosition": "LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": queue}},
        },
    }
    assert cloud.deploy("unreading", {"M": mapping})["StackStatus"] == "ROLLBACK_COMPLETE"
    assert (
        cloud.client("lambda").list_event_source_mappings(FunctionName="unreading")[
            "EventSourceMappings"
        ]
        == []
    )
