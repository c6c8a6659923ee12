"""Keys, alerting, the network, its marks and its doors, as they stand in the templates."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from network import default_group
from streamflix import aws
from streamflix.deadline import Deadline
from tests.contract.local.conftest import ACCOUNT, REGION, allow
from tests.contract.templates import house
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.local.conftest import Cloud

SUFFIX = "base"
STACKS = ("keys", "alerting", "network", "network-alarms", "network-marks", "endpoints")
GIVEN = {
    "EnvironmentSuffix": SUFFIX,
    "VpcCidr": "10.6.0.0/16",
    "NatGatewayPerAz": "true",
    "InterfaceEndpoints": "true",
    "LogRetentionDays": "7",
    "PermissionsBoundary": "",
    "PageEmail": "",
    "PageUrl": "https://paging.example/integration",
    "TicketEmail": "desk@example.org",
    "FallbackEmail": "",
}
Outputs = dict[str, str]


def parts(file: str, given: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A template's resources and its other sections, its parameters given."""
    body = house.read(house.ROOT / f"stacks/{file}.yaml").body
    parameters = {name: it | {"Default": given[name]} for name, it in body["Parameters"].items()}
    rest = {name: body[name] for name in ("Conditions", "Outputs") if name in body}
    return body["Resources"], rest | {"Parameters": parameters}


@pytest.fixture(scope="module")
def base(cloud: Cloud) -> Iterator[Outputs]:
    """Everything that they give each other, by name."""
    given = dict(GIVEN)
    for file in STACKS:
        resources, rest = parts(file, given)
        stack = cloud.deploy(f"foundation-{file}", resources, **rest)
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
        given |= {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}
    yield given
    for file in reversed(STACKS):
        cloud.delete(f"foundation-{file}")


def test_ways_in_and_out_are_given_for_every_zone(cloud: Cloud, base: Outputs) -> None:
    ec2 = cloud.client("ec2")
    tables = base["PrivateRouteTableIds"].split(",")
    found = ec2.describe_route_tables(RouteTableIds=tables)["RouteTables"]

    ways_out = {route.get("NatGatewayId") for table in found for route in table["Routes"]}
    assert ways_out - {None} == set(base["NatGatewayIds"].split(","))
    assert len(ways_out - {None}) == len(tables) == 3
    vpc = ec2.describe_vpcs(VpcIds=[base["VpcId"]])["Vpcs"][0]
    assert vpc["CidrBlock"] == GIVEN["VpcCidr"]


def test_gateways_stand_in_every_route_table_and_interfaces_in_every_zone(
    cloud: Cloud, base: Outputs
) -> None:
    endpoints = [
        it
        for it in cloud.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        if it["VpcId"] == base["VpcId"]
    ]
    kinds = {it["ServiceName"].removeprefix("com.amazonaws.eu-central-1."): it for it in endpoints}

    assert {name for name, it in kinds.items() if it["VpcEndpointType"] == "Gateway"} == {
        "s3",
        "dynamodb",
    }
    assert {name for name, it in kinds.items() if it["VpcEndpointType"] == "Interface"} == {
        *("secretsmanager", "ssm", "sqs", "kinesis-streams", "ecr.api", "ecr.dkr", "logs"),
        *("elasticache", "events"),  # rotation's
        *("kms", "states"),  # privacy's
    }
    for it in endpoints:
        given = {"Gateway": "PrivateRouteTableIds", "Interface": "PrivateSubnetIds"}
        ends = it["RouteTableIds"] or it["SubnetIds"]
        assert ends == base[given[it["VpcEndpointType"]]].split(",")


def test_a_page_is_sent_on_and_a_lost_one_kept(cloud: Cloud, base: Outputs) -> None:
    sns = cloud.client("sns")
    (page,) = sns.list_subscriptions_by_topic(TopicArn=base["PageTopicArn"])["Subscriptions"]
    told = sns.get_subscription_attributes(SubscriptionArn=page["SubscriptionArn"])["Attributes"]

    assert (page["Protocol"], page["Endpoint"]) == ("https", GIVEN["PageUrl"])
    retry = json.loads(told["DeliveryPolicy"])["healthyRetryPolicy"]
    numbers = {key: float(value) for key, value in retry.items() if key != "backoffFunction"}
    phases = ("numNoDelayRetries", "numMinDelayRetries", "numMaxDelayRetries")
    assert sum(numbers[name] for name in phases) <= numbers["numRetries"] <= 100
    assert numbers["numRetries"] * numbers["maxDelayTarget"] <= 3600  # SNS refuses more
    assert json.loads(told["RedrivePolicy"])["deadLetterTargetArn"].endswith(
        f":streamflix-ops-dead-letters-{SUFFIX}"
    )


@pytest.fixture
def desk(cloud: Cloud, base: Outputs) -> Iterator[Any]:
    """What arrives as tickets."""
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:desk"
    topics = allow("sqs:SendMessage", queue, Principal={"Service": "sns.amazonaws.com"})
    policy = json.dumps({"Version": "2012-10-17", "Statement": [topics]})
    url = sqs.create_queue(QueueName="desk", Attributes={"Policy": policy})["QueueUrl"]
    raw = {"RawMessageDelivery": "true"}
    topic = base["TicketTopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)

    def read() -> list[str]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [it["Body"] for it in found]

    yield read
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def kms_rules(cloud: Cloud, base: Outputs) -> Iterator[None]:
    """The rules about keys once more, for events that may be sent: AWS's own source may not."""
    events = cloud.client("events")
    names = [f"streamflix-{name}-{SUFFIX}" for name in ("key-endangered", "key-deleted")]
    for name in names:
        pattern = json.loads(events.describe_rule(Name=name)["EventPattern"])
        assert pattern["source"] == ["aws.kms"]
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        assert all("DeadLetterConfig" in target for target in targets)
        events.put_rule(
            Name=f"{name}-copy", EventPattern=json.dumps(pattern | {"source": ["copy.kms"]})
        )
        events.put_targets(Rule=f"{name}-copy", Targets=targets)
    yield
    for name in names:
        events.remove_targets(Rule=f"{name}-copy", Ids=["ticket"])
        events.delete_rule(Name=f"{name}-copy")


def kms_event(kind: str, *keys: str, **detail: Any) -> dict[str, Any]:
    for key in keys:
        detail["key-id"] = key.rpartition("/")[2]
    told = {"Source": "copy.kms", "DetailType": kind, "Detail": json.dumps(detail)}
    return told | {"Resources": list(keys)}


def call(name: str, key: str, **more: Any) -> dict[str, Any]:
    return kms_event(
        "AWS API Call via CloudTrail",
        eventSource="kms.amazonaws.com",
        eventName=name,
        requestParameters={"keyId": key},
        userIdentity={"arn": "arn:aws:sts::000000000000:assumed-role/x/jane@example.org"},
        **more,
    )


@pytest.mark.usefixtures("kms_rules")
def test_a_key_in_danger_makes_a_ticket_that_names_no_person(
    cloud: Cloud, base: Outputs, desk: Any
) -> None:
    data, logs = base["DataKeyArn"], base["LogsKeyArn"].rpartition("/")[2]
    backup = base["BackupKeyArn"].rpartition("/")[2]
    sent = cloud.client("events").put_events(
        Entries=[
            call("DisableKey", data),
            call("ScheduleKeyDeletion", logs),  # as an id
            call("DisableKey", data, errorCode="AccessDenied"),  # nothing happened
            call("DisableKey", "arn:aws:kms:eu-central-1:000000000000:key/somebody-elses"),
            call("EnableKey", data),
            kms_event("KMS CMK Deletion", base["BackupKeyArn"]),
            kms_event("KMS CMK Rotation", base["BackupKeyArn"]),
        ]
    )
    assert sent["FailedEntryCount"] == 0

    tickets: list[str] = []
    eventually(lambda: tickets.extend(desk()) or len(tickets), 10, lambda count: count == 3)

    text = "\n".join(sorted(tickets))
    assert f"StreamFlix {SUFFIX}: DisableKey for key {data} at 20" in text
    assert f"StreamFlix {SUFFIX}: ScheduleKeyDeletion for key {logs} at 20" in text
    assert f"StreamFlix {SUFFIX}: key {backup} was deleted at 20" in text
    assert "jane" not in text
    assert desk() == []


def closing_policy(group: str) -> list[dict[str, Any]]:
    """What stacks/network-closed.yaml grants for EC2, with this group."""
    resources, _ = parts("network-closed", dict.fromkeys(NEEDS, "x") | GIVEN)
    document = resources["NetworkClosePolicy"]["Properties"]["PolicyDocument"]
    statements = [it for it in document["Statement"] if "ec2:" in str(it["Action"])]
    text = json.dumps(statements).replace("${DefaultSecurityGroupId}", group)
    for name, value in (("Partition", "aws"), ("Region", "*"), ("AccountId", "*")):
        text = text.replace(f"${{AWS::{name}}}", value)
    return [
        it | {"Resource": it["Resource"]["Fn::Sub"] if isinstance(it["Resource"], dict) else "*"}
        for it in json.loads(text)
    ]


NEEDS = ("LogsKeyArn", "DefaultSecurityGroupId", "CoreLayerArn", "VendorLayerArn")


def test_the_default_group_is_emptied_with_the_grants_of_its_function(
    cloud: Cloud, base: Outputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = base["DefaultSecurityGroupId"]
    allowed = cloud.session("ec2", "closes", *closing_policy(group))
    other = cloud.session("ec2", "closes-another", *closing_policy("sg-00000000000000000"))
    monkeypatch.setattr(default_group, "PAUSE_SECONDS", 0.01)

    def rules() -> list[Any]:
        found = cloud.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
        return [*found["IpPermissions"], *found["IpPermissionsEgress"]]

    def close(ec2: Any, seconds: float) -> int:
        monkeypatch.setattr(aws, "client", lambda _: ec2)
        return default_group.close(group, Deadline.of(Soon(seconds)), waits=lambda _: None)

    assert len(rules()) == 2
    with pytest.raises(default_group.GroupStaysOpen, match=r"UnauthorizedOperation|AccessDenied"):
        close(other, 0.3)
    assert len(rules()) == 2

    assert close(allowed, 10) == 2
    assert rules() == []
    assert close(allowed, 10) == 0


class Soon:
    """Lambda's context, as far as it tells the time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


def test_a_stack_with_one_nat_gateway_and_no_interfaces_is_one_too(cloud: Cloud) -> None:
    given = GIVEN | {"NatGatewayPerAz": "false", "InterfaceEndpoints": "false"}
    given |= {"EnvironmentSuffix": "small", "LogsKeyArn": cloud.key(), "TicketTopicArn": "arn:t"}
    made = []
    for file in ("network", "network-alarms", "endpoints"):
        resources, rest = parts(file, given)
        stack = cloud.deploy(f"foundation-small-{file}", resources, **rest)
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
        given |= {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}
        made.append(f"foundation-small-{file}")

    assert given["NatGatewayIds"].startswith("nat-")
    assert "," not in given["NatGatewayIds"]
    endpoints = cloud.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    kinds = [it["VpcEndpointType"] for it in endpoints if it["VpcId"] == given["VpcId"]]
    assert kinds == ["Gateway", "Gateway"]
    for name in reversed(made):
        cloud.delete(name)
