"""What must be finished before what: every race that is known, in one stack or across several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.templates import deployed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.templates.wires import Resource, Tree

# Every resource of the first type is finished before any of the second begins, or AWS refuses,
# waits for hours, or makes something of its own instead.
RACES = {
    # a proxy without members: the target stays unavailable and the create times out
    ("AWS::RDS::DBInstance", "AWS::RDS::DBProxyTargetGroup"),
    # clients read the book as soon as it is there; without a member nobody answers
    ("AWS::RDS::DBInstance", "AWS::SSM::Parameter"),
    # "No scalable resource found"
    ("AWS::RDS::DBInstance", "AWS::ApplicationAutoScaling::ScalableTarget"),
    # "The target group does not have an associated load balancer"
    ("AWS::ElasticLoadBalancingV2::Listener", "AWS::ECS::Service"),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ECS::Service"),
    # tasks of zones without a mount target fail to mount
    ("AWS::EFS::MountTarget", "AWS::ECS::Service"),
    # "Access Denied for bucket"
    ("AWS::S3::BucketPolicy", "AWS::ElasticLoadBalancingV2::LoadBalancer"),
    # "CloudWatch Logs role ARN must be set in account settings"
    ("AWS::ApiGateway::Account", "AWS::ApiGateway::Stage"),
    # "your resource doesn't exist"
    ("AWS::ApiGateway::Stage", "AWS::WAFv2::WebACLAssociation"),
    # Secrets Manager calls the function while the schedule is created
    ("AWS::Lambda::Permission", "AWS::SecretsManager::RotationSchedule"),
    ("AWS::ElastiCache::User", "AWS::SecretsManager::RotationSchedule"),
    ("AWS::ElastiCache::ReplicationGroup", "AWS::SecretsManager::RotationSchedule"),
    ("AWS::EC2::VPCEndpoint", "AWS::SecretsManager::RotationSchedule"),
    ("AWS::EC2::Route", "AWS::SecretsManager::RotationSchedule"),
    ("Custom::DatabaseSchema", "AWS::SecretsManager::RotationSchedule"),
    # code never meets a database that it does not know
    ("Custom::DatabaseSchema", "AWS::Lambda::EventSourceMapping"),
    ("Custom::DatabaseSchema", "AWS::ECS::Service"),
    # a function in the network calls out as soon as it is called
    ("AWS::EC2::NatGateway", "Custom::DatabaseSchema"),
    ("AWS::EC2::Route", "Custom::DatabaseSchema"),
    ("AWS::EC2::SubnetRouteTableAssociation", "Custom::DatabaseSchema"),
    ("AWS::RDS::DBInstance", "Custom::DatabaseSchema"),
    ("AWS::EC2::VPCEndpoint", "Custom::DatabaseSchema"),
    ("AWS::EC2::VPCEndpoint", "AWS::ECS::Service"),
    ("AWS::EC2::Route", "AWS::ECS::Service"),
    # "Network vpc-… is not attached to any internet gateway"
    ("AWS::EC2::VPCGatewayAttachment", "AWS::EC2::EIP"),
    ("AWS::EC2::VPCGatewayAttachment", "AWS::EC2::NatGateway"),
    # whoever has a name to send to may already send there
    ("AWS::SNS::TopicPolicy", "AWS::ECS::Service"),
    ("AWS::SQS::QueuePolicy", "AWS::Events::EventBus"),
    # a backup of a file system that nobody can reach yet is one that nobody can use
    ("AWS::EFS::MountTarget", "AWS::Backup::BackupSelection"),
}


def pairs(tree: Tree, first: str, then: str) -> list[tuple[Resource, Resource]]:
    return [(a, b) for b in tree.resources(then) for a in tree.resources(first)]


def test_what_races_is_kept_in_order() -> None:
    """In production, and with everything that parameters can switch on."""
    for tree in (deployed.platform("prod"), deployed.platform()):
        racing = [
            (a, b)
            for first, then in RACES
            for a, b in pairs(tree, first, then)
            if not tree.before(a, b) and not excused(tree, a, b)
        ]

        assert racing == []


def test_a_stream_is_read_only_after_the_reader_may() -> None:
    """Lambda: "Cannot access stream …", when the policy is attached too late."""
    tree = deployed.platform("prod")
    for mapping in tree.resources("AWS::Lambda::EventSourceMapping"):
        (function,) = tree.made(mapping.stack, mapping.properties["FunctionName"])
        (role,) = tree.made(function.stack, function.properties["Role"])
        held = tree.made(role.stack, role.properties["ManagedPolicyArns"])
        assert held
        assert all(tree.before(policy, mapping) for policy in held), mapping


def test_who_reads_the_epoch_is_made_after_the_schema_has_put_it_there() -> None:
    tree = deployed.platform("prod")
    (schema,) = tree.resources("Custom::DatabaseSchema")
    readers = [
        it
        for it in tree.resources("AWS::Lambda::Function")
        if "ADDRESS_BOOK" in it.properties.get("Environment", {}).get("Variables", {})
        and it.stack != schema.stack
    ]

    assert len(readers) > 5
    for reader in readers:
        assert tree.before(schema, reader), reader


def excused(tree: Tree, first: Resource, then: Resource) -> bool:
    """Two things of these types that have nothing to do with each other."""
    unlike: dict[tuple[str, str], Callable[[], bool]] = {
        ("AWS::RDS::DBInstance", "AWS::ApplicationAutoScaling::ScalableTarget"): lambda: (
            then.properties["ServiceNamespace"] != "rds"
        ),
        ("AWS::RDS::DBInstance", "AWS::SSM::Parameter"): lambda: (
            first.stack != then.stack or first.properties["PromotionTier"] != 0
        ),
        ("AWS::Lambda::Permission", "AWS::SecretsManager::RotationSchedule"): lambda: (
            "secretsmanager" not in str(first.properties["Principal"])
        ),
        ("AWS::SQS::QueuePolicy", "AWS::Events::EventBus"): lambda: first.stack != then.stack,
    }
    check = unlike.get((first.kind, then.kind))
    return check is not None and check()


def test_the_first_member_is_the_writer_because_the_others_wait_for_it() -> None:
    tree = deployed.platform("prod")
    first, *others = sorted(
        tree.resources("AWS::RDS::DBInstance"), key=lambda it: int(it.properties["PromotionTier"])
    )

    assert len(others) == 2
    for other in others:
        assert tree.before(first, other), other


def test_a_scaling_policy_follows_its_target_and_a_deployment_its_methods() -> None:
    tree = deployed.platform("prod")
    for policy in tree.resources("AWS::ApplicationAutoScaling::ScalingPolicy"):
        assert tree.made(policy.stack, policy.properties["ScalingTargetId"]), policy
    for deployment in tree.resources("AWS::ApiGateway::Deployment"):
        for method in tree.resources("AWS::ApiGateway::Method"):
            assert tree.before(method, deployment), method


def test_reader_scaling_waits_for_every_reader_there_is() -> None:
    """What a smaller environment leaves out must not be waited for, what it keeps must."""
    for environment in deployed.ENVIRONMENTS:
        tree = deployed.platform(environment)
        for target in tree.resources("AWS::ApplicationAutoScaling::ScalableTarget"):
            if target.properties["ServiceNamespace"] == "rds":
                for member in tree.resources("AWS::RDS::DBInstance"):
                    assert tree.before(member, target), (environment, member)


def test_nothing_waits_for_itself() -> None:
    tree = deployed.platform()
    circles = [
        it for it in tree.resources() if it.logical_id in tree.all_needs(it.stack, it.logical_id)
    ]

    assert circles == []


def test_the_network_is_deleted_after_everything_that_stands_in_it() -> None:
    tree = deployed.platform("prod")
    (vpc,) = tree.resources("AWS::EC2::VPC")
    inside = tree.resources(
        "AWS::Lambda::Function",
        "AWS::ECS::Service",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBProxy",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::EFS::MountTarget",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ApiGatewayV2::VpcLink",
        "AWS::EC2::VPCEndpoint",
    )
    detached = [it for it in inside if "VpcConfig" not in it.properties and "Lambda" in it.kind]

    assert len(inside) > 10
    assert [it for it in inside if it not in detached and not tree.before(vpc, it)] == []
