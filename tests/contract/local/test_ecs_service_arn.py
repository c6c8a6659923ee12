"""A grant on one ECS service is a grant on that service, and on no other of its cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

SERVICES = "arn:aws:ecs:eu-central-1:000000000000:service/service-arn"


def test_who_may_update_one_service_may_update_no_other(cloud: Cloud) -> None:
    owner = cloud.client("ecs")
    cluster = owner.create_cluster(clusterName="service-arn")["cluster"]["clusterArn"]
    owner.register_task_definition(
        family="service-arn", containerDefinitions=[{"name": "a", "image": "a", "memory": 64}]
    )
    for name in ("mine", "other"):
        settings = {"taskDefinition": "service-arn", "desiredCount": 1}
        owner.create_service(cluster="service-arn", serviceName=name, **settings)
    actions = ["ecs:UpdateService", "ecs:DescribeServices"]
    ecs = cloud.session("ecs", "service-arn", allow(actions, f"{SERVICES}/mine"))

    updated = ecs.update_service(cluster=cluster, service="mine", desiredCount=2)["service"]
    found = ecs.describe_services(cluster="service-arn", services=[f"{SERVICES}/mine"])
    with pytest.raises(ClientError, match="AccessDenied"):
        ecs.update_service(cluster="service-arn", service="other", desiredCount=2)

    assert updated["desiredCount"] == 2
    assert [each["serviceName"] for each in found["services"]] == ["mine"]
