"""A proxy on the laptop is another address of a real cluster: of the one that is its target."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from tests.eventually import eventually
from tests.integration.local.laptop import CLUSTER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.local.laptop import Laptop

STACK, PROXY = "proxied", "streamflix-proxy-hooks"
ROLE = "arn:aws:iam::000000000000:role/proxy-hooks"
SECRET = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:aurora/app-AbCdEf"


def template(idle_seconds: int = 1800, most_percent: int = 40) -> dict[str, Any]:
    subnets = [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]
    zones = {"A": "eu-central-1a", "B": "eu-central-1b"}
    return {
        "Resources": {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}},
            **{
                f"Subnet{each}": {
                    "Type": "AWS::EC2::Subnet",
                    "Properties": {
                        "VpcId": {"Ref": "Vpc"},
                        "CidrBlock": f"10.7.{number}.0/24",
                        "AvailabilityZone": zone,
                    },
                }
                for number, (each, zone) in enumerate(zones.items())
            },
            "Proxy": {
                "Type": "AWS::RDS::DBProxy",
                "Properties": {
                    "DBProxyName": PROXY,
                    "EngineFamily": "POSTGRESQL",
                    "RequireTLS": True,
                    "RoleArn": ROLE,
                    "Auth": [{"AuthScheme": "SECRETS", "SecretArn": SECRET, "IAMAuth": "REQUIRED"}],
                    "IdleClientTimeout": idle_seconds,
                    "VpcSubnetIds": subnets,
                },
            },
            "Targets": {
                "Type": "AWS::RDS::DBProxyTargetGroup",
                "Properties": {
                    "DBProxyName": {"Ref": "Proxy"},
                    "TargetGroupName": "default",
                    "DBClusterIdentifiers": [CLUSTER],
                    "ConnectionPoolConfigurationInfo": {
                        "MaxConnectionsPercent": most_percent,
                        "MaxIdleConnectionsPercent": 10,
                    },
                },
            },
            "Reader": {
                "Type": "AWS::RDS::DBProxyEndpoint",
                "DependsOn": "Targets",
                "Properties": {
                    "DBProxyEndpointName": f"{PROXY}-reader",
                    "DBProxyName": {"Ref": "Proxy"},
                    "TargetRole": "READ_ONLY",
                    "VpcSubnetIds": subnets,
                },
            },
        },
        "Outputs": {
            "WriterHost": {"Value": {"Fn::GetAtt": "Proxy.Endpoint"}},
            "ReaderHost": {"Value": {"Fn::GetAtt": "Reader.Endpoint"}},
            "Arn": {"Value": {"Fn::GetAtt": "Proxy.DBProxyArn"}},
        },
    }


def deploy(laptop: Laptop, **arguments: int) -> dict[str, str]:
    cloudformation = laptop.client("cloudformation")
    stacks = cloudformation.list_stacks()["StackSummaries"]
    known = any(
        each["StackName"] == STACK and each["StackStatus"] != "DELETE_COMPLETE" for each in stacks
    )
    operation = cloudformation.update_stack if known else cloudformation.create_stack
    operation(StackName=STACK, TemplateBody=json.dumps(template(**arguments)))
    stack = laptop.settled(STACK)
    assert stack["StackStatus"] == ("UPDATE_COMPLETE" if known else "CREATE_COMPLETE")
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


@pytest.fixture(scope="module")
def outputs(laptop: Laptop) -> Iterator[dict[str, str]]:
    yield (deployed := deploy(laptop))
    identity = laptop.settled(STACK)["StackId"]
    laptop.client("cloudformation").delete_stack(StackName=STACK)
    assert laptop.settled(identity)["StackStatus"] == "DELETE_COMPLETE"
    assert laptop.client("rds").describe_db_proxies()["DBProxies"] == []
    assert laptop.client("rds").describe_db_proxy_endpoints()["DBProxyEndpoints"] == []
    for host in ("WriterHost", "ReaderHost"):
        with pytest.raises(psycopg2.OperationalError, match="refused"):
            asked(laptop, deployed[host], "SELECT 1")


def is_reader(laptop: Laptop, host: str) -> bool:
    """Asked of whoever answers there, at the cluster's port."""
    return bool(asked(laptop, host, "SELECT pg_is_in_recovery()"))


def asked(laptop: Laptop, host: str, query: str) -> object:
    connection = laptop.connect(host, laptop.described()["Port"])
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(query)
        [(answer,)] = cursor.fetchall()
        return answer


def test_the_proxy_leads_to_the_writer_and_its_read_only_endpoint_to_a_reader(
    laptop: Laptop, outputs: dict[str, str]
) -> None:
    assert not is_reader(laptop, outputs["WriterHost"])
    assert eventually(lambda: is_reader(laptop, outputs["ReaderHost"]), 10)


def test_describe_says_what_the_stack_said(laptop: Laptop, outputs: dict[str, str]) -> None:
    rds = laptop.client("rds")
    [proxy] = rds.describe_db_proxies(DBProxyName=PROXY)["DBProxies"]
    endpoints = rds.describe_db_proxy_endpoints(DBProxyName=PROXY)["DBProxyEndpoints"]
    [target] = rds.describe_db_proxy_targets(DBProxyName=PROXY)["Targets"]

    assert (proxy["Endpoint"], proxy["DBProxyArn"]) == (outputs["WriterHost"], outputs["Arn"])
    assert outputs["Arn"].split(":")[6].startswith("prx-")
    assert {each["TargetRole"]: each["Endpoint"] for each in endpoints} == {
        "READ_WRITE": outputs["WriterHost"],
        "READ_ONLY": outputs["ReaderHost"],
    }
    assert target["TrackedClusterId"] == CLUSTER
    assert target["TargetHealth"]["State"] == "AVAILABLE"


def test_a_setting_changes_in_place(laptop: Laptop, outputs: dict[str, str]) -> None:
    changed = deploy(laptop, idle_seconds=600, most_percent=30)

    rds = laptop.client("rds")
    [proxy] = rds.describe_db_proxies(DBProxyName=PROXY)["DBProxies"]
    [group] = rds.describe_db_proxy_target_groups(DBProxyName=PROXY)["TargetGroups"]
    assert changed == outputs
    assert proxy["IdleClientTimeout"] == 600
    assert group["ConnectionPoolConfig"]["MaxConnectionsPercent"] == 30
    assert len(rds.describe_db_proxy_targets(DBProxyName=PROXY)["Targets"]) == 1


def test_after_a_cutover_the_same_address_leads_to_the_new_target(
    laptop: Laptop, outputs: dict[str, str]
) -> None:
    rds, copy = laptop.client("rds"), "proxied-copy"
    group = {"DBProxyName": PROXY, "TargetGroupName": "default"}
    rds.restore_db_cluster_to_point_in_time(
        SourceDBClusterIdentifier=CLUSTER, DBClusterIdentifier=copy, UseLatestRestorableTime=True
    )
    laptop.add_member(copy, f"{copy}-a")
    node = "SELECT current_setting('cluster_name')"
    client = laptop.connect(outputs["WriterHost"], laptop.described()["Port"])

    rds.deregister_db_proxy_targets(**group, DBClusterIdentifiers=[CLUSTER])
    with pytest.raises(psycopg2.OperationalError, match="no database server is available"):
        asked(laptop, outputs["WriterHost"], node)
    with pytest.raises(psycopg2.OperationalError):
        client.cursor().execute("SELECT 1")
    rds.register_db_proxy_targets(**group, DBClusterIdentifiers=[copy])

    for host in ("WriterHost", "ReaderHost"):
        assert str(asked(laptop, outputs[host], node)).startswith(copy)
    [target] = rds.describe_db_proxy_targets(**group)["Targets"]
    assert target["TrackedClusterId"] == copy
    assert str(asked(laptop, laptop.described()["Endpoint"], node)).startswith(CLUSTER)

    rds.modify_db_cluster(
        DBClusterIdentifier=copy, NewDBClusterIdentifier="proxied-q1", ApplyImmediately=True
    )
    assert str(asked(laptop, outputs["WriterHost"], node)).startswith(copy)

    rds.deregister_db_proxy_targets(**group, DBClusterIdentifiers=[copy])
    rds.register_db_proxy_targets(**group, DBClusterIdentifiers=[CLUSTER])
    laptop.remove("proxied-q1")
    assert str(asked(laptop, outputs["WriterHost"], node)).startswith(CLUSTER)
