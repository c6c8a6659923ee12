"""A service and its task definition are described as their template says; nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

NAME = "types-ecs"
SECRET = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:redis-AbCdEf:password::"
FILES = {
    "Name": "files",
    "EFSVolumeConfiguration": {
        "FilesystemId": "fs-0123456789abcdef0",
        "TransitEncryption": "ENABLED",
        "AuthorizationConfig": {"AccessPointId": "fsap-0123456789abcdef0", "IAM": "ENABLED"},
    },
}


def service(role: str, image: str) -> dict[str, Any]:
    container = {
        "Name": "service",
        "Image": image,
        "ReadonlyRootFilesystem": True,
        "StopTimeout": "60",
        "LinuxParameters": {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}},
        "Secrets": [{"Name": "REDIS_PASSWORD", "ValueFrom": SECRET}],
        "LogConfiguration": {"LogDriver": "awslogs", "Options": {"awslogs-group": "/ecs/logs"}},
        "MountPoints": [{"SourceVolume": "files", "ContainerPath": "/mnt/files"}],
    }
    task = {
        "Family": NAME,
        "RequiresCompatibilities": ["FARGATE"],
        "RuntimePlatform": {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"},
        "NetworkMode": "awsvpc",
        "Cpu": "512",
        "Memory": "1024",
        "TaskRoleArn": role,
        "Volumes": [FILES],
        "ContainerDefinitions": [container],
    }
    breaker = {"Enable": True, "Rollback": True}
    running = {
        "ServiceName": NAME,
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "Task"},
        "LaunchType": "FARGATE",
        "AvailabilityZoneRebalancing": "ENABLED",
        "EnableECSManagedTags": True,
        "PropagateTags": "SERVICE",
        "HealthCheckGracePeriodSeconds": 60,
        "DeploymentConfiguration": {
            "MinimumHealthyPercent": 100,
            "DeploymentCircuitBreaker": breaker,
        },
    }
    return {
        "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": NAME}},
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
        "Service": {"Type": "AWS::ECS::Service", "Properties": running},
    }


def test_a_service_is_what_its_template_says(cloud: Cloud) -> None:
    ecs = cloud.client("ecs")
    role = cloud.role("types-ecs-task")

    def described() -> dict[str, Any]:
        (found,) = ecs.describe_services(cluster=NAME, services=[NAME])["services"]
        return dict(found)

    def task() -> dict[str, Any]:
        wanted = described()["taskDefinition"]
        return dict(ecs.describe_task_definition(taskDefinition=wanted)["taskDefinition"])

    cloud.deploy(NAME, service(role, "image:one"))

    first = described()
    assert (first["desiredCount"], first["healthCheckGracePeriodSeconds"]) == (1, 60)
    assert (first["propagateTags"], first["enableECSManagedTags"]) == ("SERVICE", True)
    assert first["availabilityZoneRebalancing"] == "ENABLED"
    assert first["deploymentConfiguration"]["deploymentCircuitBreaker"] == {
        "enable": True,
        "rollback": True,
    }
    assert task()["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    mounted = task()["volumes"][0]["efsVolumeConfiguration"]
    assert mounted["fileSystemId"] == "fs-0123456789abcdef0"
    assert mounted["authorizationConfig"]["iam"] == "ENABLED"
    (container,) = task()["containerDefinitions"]
    assert container["secrets"] == [{"name": "REDIS_PASSWORD", "valueFrom": SECRET}]
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert container["logConfiguration"]["options"] == {"awslogs-group": "/ecs/logs"}
    assert container["stopTimeout"] == 60

    cloud.delete(NAME)


def test_a_changed_image_is_a_new_revision_and_leaves_the_number_of_tasks(cloud: Cloud) -> None:
    ecs = cloud.client("ecs")
    role = cloud.role("types-ecs-scaled")
    cloud.deploy("types-ecs-scaled", service(role, "image:two"))
    ecs.update_service(cluster=NAME, service=NAME, desiredCount=5)

    cloud.deploy("types-ecs-scaled", service(role, "image:three"))

    (found,) = ecs.describe_services(cluster=NAME, services=[NAME])["services"]
    assert found["desiredCount"] == 5
    task = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    assert task["containerDefinitions"][0]["image"] == "image:three"
    active = ecs.list_task_definitions(familyPrefix=NAME, status="ACTIVE")["taskDefinitionArns"]
    assert active == [found["taskDefinition"]]

    cloud.delete("types-ecs-scaled")
    assert ecs.list_task_definitions(familyPrefix=NAME, status="ACTIVE")["taskDefinitionArns"] == []
    assert [arn for arn in ecs.list_clusters()["clusterArns"] if arn.endswith(f"/{NAME}")] == []
