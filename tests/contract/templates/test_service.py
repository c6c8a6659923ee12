"""The service: comes up, stays up, is replaced without a gap, and cannot hurt more than it must."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.templates import deployed, house

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree


def only(tree: Tree, kind: str) -> Resource:
    (found,) = tree.resources(kind)
    return found


def container() -> dict[str, Any]:
    task = only(deployed.platform("prod"), "AWS::ECS::TaskDefinition")
    (found,) = task.properties["ContainerDefinitions"]
    return dict(found)


def test_a_bad_deployment_ends_itself() -> None:
    configuration = only(deployed.platform(), "AWS::ECS::Service").properties[
        "DeploymentConfiguration"
    ]

    assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert configuration["Alarms"]["Enable"] is configuration["Alarms"]["Rollback"] is True
    assert configuration["MinimumHealthyPercent"] == 100


def test_production_runs_a_task_in_each_zone_at_least() -> None:
    given = deployed.profile("prod")
    tree = deployed.platform("prod")
    service = only(tree, "AWS::ECS::Service").properties

    assert int(given["ServiceTasks"]) >= 3
    assert service["AvailabilityZoneRebalancing"] == "ENABLED"
    assert service["HealthCheckGracePeriodSeconds"] >= 30


def test_scaling_owns_the_number_of_tasks() -> None:
    tree = deployed.platform("prod")
    service = only(tree, "AWS::ECS::Service")
    (target,) = [
        it
        for it in tree.resources("AWS::ApplicationAutoScaling::ScalableTarget")
        if it.properties["ServiceNamespace"] == "ecs"
    ]
    tracked = [
        it
        for it in tree.resources("AWS::ApplicationAutoScaling::ScalingPolicy")
        if target in tree.made(it.stack, it.properties["ScalingTargetId"])
    ]

    assert "DesiredCount" not in service.properties
    assert target.properties["MinCapacity"] == {"Ref": "ServiceTasks"}
    assert len(tracked) >= 2
    assert {it.properties["PolicyType"] for it in tracked} == {"TargetTrackingScaling"}


def test_a_task_is_nobody_and_can_write_nowhere_but_where_it_is_told() -> None:
    it = container()

    assert it["User"].partition(":")[0] not in ("", "0", "root")
    assert it["ReadonlyRootFilesystem"] is True
    assert not it.get("Privileged", False)
    assert it["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    service = only(deployed.platform(), "AWS::ECS::Service").properties
    assert service["EnableExecuteCommand"] is False


def test_the_only_password_in_a_task_is_that_of_redis() -> None:
    it = container()

    assert [secret["Name"] for secret in it["Secrets"]] == ["REDIS_PASSWORD"]
    assert "{{resolve:" not in str(it)
    assert not any("PASSWORD" in each["Name"] for each in it["Environment"])


def test_a_secret_is_injected_by_its_full_arn_and_without_a_version() -> None:
    (secret,) = container()["Secrets"]

    assert secret["ValueFrom"] == {"Fn::Sub": "${RedisAppSecretArn}:password::"}


def test_the_load_balancer_asks_the_port_that_the_container_opens() -> None:
    tree = deployed.platform("prod")
    targets = only(tree, "AWS::ElasticLoadBalancingV2::TargetGroup").properties
    (asked,) = only(tree, "AWS::ECS::Service").properties["LoadBalancers"]
    ports = [it["ContainerPort"] for it in container()["PortMappings"]]

    assert ports == [targets["Port"]] == [asked["ContainerPort"]] == [8080]
    assert targets["TargetType"] == "ip"
    assert targets["HealthCheckPath"] == "/health"
    assert container()["Name"] == asked["ContainerName"]


def test_an_image_is_named_by_its_digest() -> None:
    default = container()["Image"]["Fn::If"][2]
    pattern = house.root().parameters["ServiceImage"]["AllowedPattern"]

    assert "@sha256:" in default
    assert "@sha256:" in pattern


def test_a_request_may_end_before_its_task_does() -> None:
    tree = deployed.platform("prod")
    targets = only(tree, "AWS::ElasticLoadBalancingV2::TargetGroup").properties
    attributes = {it["Key"]: it["Value"] for it in targets["TargetGroupAttributes"]}

    assert int(attributes["deregistration_delay.timeout_seconds"]) <= container()["StopTimeout"]


def test_the_load_balancer_is_not_on_the_internet_and_hard_to_trick() -> None:
    tree = deployed.platform("prod")
    balancer = only(tree, "AWS::ElasticLoadBalancingV2::LoadBalancer").properties
    given = {it["Key"]: it["Value"] for it in balancer["LoadBalancerAttributes"]}

    assert balancer["Scheme"] == "internal"
    assert given["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert given["routing.http.desync_mitigation_mode"] == "defensive"
    assert given["access_logs.s3.enabled"] == "true"
    assert given["deletion_protection.enabled"] == {"Ref": "DeletionProtection"}


def test_production_speaks_modern_tls_and_turns_plain_http_away() -> None:
    tree = deployed.platform("prod")
    listeners = {
        it.properties["Port"]: tree.decided(it.stack, it.properties)
        for it in tree.resources("AWS::ElasticLoadBalancingV2::Listener")
    }

    assert listeners.keys() == {80, 443}
    assert listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-")
    assert [it["Type"] for it in listeners[80]["DefaultActions"]] == ["redirect"]
    assert [it["Type"] for it in listeners[443]["DefaultActions"]] == ["forward"]
