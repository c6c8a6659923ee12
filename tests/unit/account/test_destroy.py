"""What stands in a delete's way is removed; what is not ours, never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from account import destroy, tree
from account.destroy import stack, unblock
from account.refusal import Refusal

if TYPE_CHECKING:
    from account import guard
    from account.destroy.scene import Scene
    from tests.unit.account.answers import Answers

from tests.unit.account.condemned import NOW, ROOT, Databases, cluster, scene


def test_restored_and_quarantined_clusters_go_with_their_members(answers: Answers) -> None:
    databases = Databases(
        answers,
        cluster("streamflix-aurora-dev", "streamflix-aurora-dev-a"),
        cluster("streamflix-aurora-dev-r1", "streamflix-aurora-dev-r1-a"),
        cluster("streamflix-aurora-dev-q2", "streamflix-aurora-dev-q2-a"),
        cluster("streamflix-aurora-prod-r1", "streamflix-aurora-prod-r1-a"),
        cluster("somebody-elses", "theirs"),
    )

    unblock.remove_foreign_clusters(scene(answers.account()))

    assert set(databases.clusters) == {
        "streamflix-aurora-dev",  # CloudFormation's own
        "streamflix-aurora-prod-r1",
        "somebody-elses",
    }


def test_an_adoption_that_was_not_finished_leaves_nothing_in_the_way(answers: Answers) -> None:
    """The names were exchanged for the clusters, and not yet for their members."""
    databases = Databases(
        answers,
        cluster("streamflix-aurora-dev", "streamflix-aurora-dev-r1-a"),
        cluster("streamflix-aurora-dev-q1", "streamflix-aurora-dev-a"),
    )
    answers["application-autoscaling.describe_scalable_targets"] = {"ScalableTargets": []}
    here = scene(answers.account(), ("AWS::RDS::DBInstance", "streamflix-aurora-dev-a"))

    unblock.remove_foreign_clusters(here)
    unblock.remove_foreign_members(here)

    assert [*databases.clusters] == ["streamflix-aurora-dev"]
    assert databases.clusters["streamflix-aurora-dev"]["DBClusterMembers"] == []


def test_members_that_the_stack_does_not_know_go_and_do_not_come_back(answers: Answers) -> None:
    databases = Databases(
        answers,
        cluster("streamflix-aurora-dev", "streamflix-aurora-dev-a", "application-autoscaling-1"),
    )
    answers["application-autoscaling.describe_scalable_targets"] = {
        "ScalableTargets": [
            target("cluster:streamflix-aurora-dev"),
            target("cluster:streamflix-aurora-prod"),
        ]
    }
    answers["application-autoscaling.register_scalable_target"] = {}
    known = ("AWS::RDS::DBInstance", "streamflix-aurora-dev-a")

    unblock.remove_foreign_members(scene(answers.account(), known))

    assert databases.clusters["streamflix-aurora-dev"]["DBClusterMembers"] == [
        {"DBInstanceIdentifier": "streamflix-aurora-dev-a"}
    ]
    (suspended,) = answers.called("application-autoscaling.register_scalable_target")
    assert suspended["ResourceId"] == "cluster:streamflix-aurora-dev"


def target(resource: str) -> dict[str, Any]:
    return {
        "ServiceNamespace": "rds",
        "ResourceId": resource,
        "ScalableDimension": "rds:cluster:ReadReplicaCount",
        "MinCapacity": 1,
        "MaxCapacity": 2,
        "RoleARN": "arn:role",
        "CreationTime": NOW,
    }


def test_protection_is_taken_off_what_is_ours(answers: Answers) -> None:
    Databases(
        answers,
        cluster("streamflix-aurora-dev", DeletionProtection=True),
        cluster("streamflix-aurora-dev-q1", DeletionProtection=True),
        cluster("streamflix-aurora-dev-r2", DeletionProtection=True),
        cluster("streamflix-aurora-prod", DeletionProtection=True),
        cluster("streamflix-aurora-prod-q1", DeletionProtection=True),
    )
    ours, theirs = "arn:aws:elb:1:2:loadbalancer/app/ours/1", "arn:aws:elb:1:2:loadbalancer/theirs"
    answers["elbv2.describe_load_balancers"] = {
        "LoadBalancers": [{"LoadBalancerArn": ours}, {"LoadBalancerArn": theirs}]
    }
    answers["elbv2.modify_load_balancer_attributes"] = {}
    answers["dynamodb.list_tables"] = {"TableNames": ["streamflix-hold-dev", "others"]}
    answers["dynamodb.describe_table"] = {"Table": {"DeletionProtectionEnabled": True}}
    answers["dynamodb.update_table"] = {}
    answers["cloudformation.update_termination_protection"] = {}
    here = scene(answers.account(), (unblock.BALANCER, ours))
    here.root = tree.Root(ROOT.identity, "CREATE_COMPLETE")

    unblock.unlock(here)

    assert [each["DBClusterIdentifier"] for each in answers.called("rds.modify_db_cluster")] == [
        "streamflix-aurora-dev",
        "streamflix-aurora-dev-q1",
        "streamflix-aurora-dev-r2",
    ]
    balancers = answers.called("elbv2.modify_load_balancer_attributes")
    assert [each["LoadBalancerArn"] for each in balancers] == [ours]
    assert [each["TableName"] for each in answers.called("dynamodb.update_table")] == [
        "streamflix-hold-dev"
    ]
    assert len(answers.called("cloudformation.update_termination_protection")) == 1


@pytest.mark.parametrize("name", ["streamflix-aurora-prod", "streamflix-aurora-prod-q1"])
def test_production_that_is_protected_is_refused_with_the_command(
    answers: Answers, name: str
) -> None:
    Databases(answers, cluster(name, DeletionProtection=True))

    with pytest.raises(Refusal, match=f"--db-cluster-identifier {name} "):
        destroy.refuse_protected(scene(answers.account("prod")))


def test_a_bucket_is_emptied_of_versions_and_delete_markers(dev: guard.Account) -> None:
    s3 = dev.client("s3")
    where = {"LocationConstraint": "eu-central-1"}
    for name in ("streamflix-balancer-logs-dev-123456789012", "streamflix-notes-dev"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        versioned = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=versioned)
        for _ in range(2):
            s3.put_object(Bucket=name, Key="a", Body=b"x")
        s3.delete_object(Bucket=name, Key="a")

    bucket = "streamflix-balancer-logs-dev-123456789012"
    unblock.empty_buckets(scene(dev, ("AWS::S3::Bucket", bucket)))

    ours = s3.list_object_versions(Bucket=bucket)
    theirs = s3.list_object_versions(Bucket="streamflix-notes-dev")
    assert "Versions" not in ours
    assert "DeleteMarkers" not in ours
    assert len(theirs["Versions"]) == 2


def test_a_version_that_stays_is_said(answers: Answers) -> None:
    version = {"Key": "a", "VersionId": "1"}
    answers["s3.list_object_versions"] = {"Versions": [version]}
    answers["s3.delete_objects"] = {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}

    with pytest.raises(Refusal, match=r"cannot be emptied: .*AccessDenied"):
        unblock.empty_bucket(scene(answers.account()), "x")


def test_a_vault_loses_its_policy_before_its_recovery_points(answers: Answers) -> None:
    points = [{"RecoveryPointArn": f"arn:{n}", "Status": "COMPLETED"} for n in range(2)]
    deeds: list[str] = []

    def delete(**asked: str) -> dict[str, Any]:
        assert asked["BackupVaultName"] == "streamflix-vault-dev"
        assert deeds == ["policy"]
        points.pop()
        return {}

    def drop_policy() -> dict[str, Any]:
        deeds.append("policy")
        return {}

    answers["backup.list_backup_vaults"] = {
        "BackupVaultList": [
            {"BackupVaultName": "streamflix-vault-dev"},
            {"BackupVaultName": "streamflix-mine-dev"},  # ours by name, not the stack's
            {"BackupVaultName": "Default"},
        ]
    }
    answers["backup.list_recovery_points_by_backup_vault"] = lambda: {
        "RecoveryPoints": list(points)
    }
    answers["backup.delete_backup_vault_access_policy"] = drop_policy
    answers["backup.delete_recovery_point"] = delete

    unblock.empty_vaults(
        scene(answers.account(), ("AWS::Backup::BackupVault", "streamflix-vault-dev"))
    )

    assert points == []


class Stack:
    """A stack whose first deletes fail for a reason."""

    def __init__(self, answers: Answers, *reasons: str, kind: str = "AWS::S3::Bucket") -> None:
        self.reasons, self.kind, self.status = list(reasons), kind, "CREATE_COMPLETE"
        answers["cloudformation.delete_stack"] = self.delete
        answers["cloudformation.describe_stacks"] = self.describe
        answers["cloudformation.list_stack_resources"] = self.resources

    def delete(self) -> dict[str, Any]:
        self.status = "DELETE_FAILED" if self.reasons else "DELETE_COMPLETE"
        self.reason = self.reasons.pop(0) if self.reasons else ""
        return {}

    def describe(self) -> dict[str, Any]:
        one = {"StackId": ROOT.identity, "StackName": "streamflix-dev", "CreationTime": NOW}
        return {"Stacks": [one | {"StackStatus": self.status}]}

    def resources(self) -> dict[str, Any]:
        one = {
            "LogicalResourceId": "Logs",
            "PhysicalResourceId": "logs",
            "ResourceType": self.kind,
            "ResourceStatus": "DELETE_FAILED",
            "ResourceStatusReason": self.reason,
            "LastUpdatedTimestamp": NOW,
        }
        return {"StackResourceSummaries": [one]}


def living(answers: Answers, environment: str = "local") -> Scene:
    here = scene(answers.account(environment))
    here.root = tree.Root(ROOT.identity, "CREATE_COMPLETE")
    return here


def test_a_bucket_that_filled_up_again_is_emptied_again(answers: Answers) -> None:
    found = Stack(answers, "The bucket you tried to delete is not empty")
    answers["s3.list_buckets"] = {"Buckets": []}

    stack.delete(living(answers))

    assert found.status == "DELETE_COMPLETE"
    assert len(answers.called("cloudformation.delete_stack")) == 2
    assert answers.called("s3.list_buckets")


def test_a_function_that_was_idle_for_weeks_goes_at_the_second_try(answers: Answers) -> None:
    found = Stack(answers, "Something about its state", kind="AWS::Lambda::Function")

    stack.delete(living(answers))

    assert found.status == "DELETE_COMPLETE"


def test_a_reason_that_nobody_knows_is_told_and_not_tried_again(answers: Answers) -> None:
    Stack(answers, "Mercury is in retrograde", "Mercury is in retrograde")

    with pytest.raises(Refusal, match=r"Logs \(AWS::S3::Bucket\): Mercury is in retrograde"):
        stack.delete(living(answers))

    assert len(answers.called("cloudformation.delete_stack")) == 1


def test_the_same_failure_twice_is_told(answers: Answers) -> None:
    answers["s3.list_buckets"] = {"Buckets": []}
    Stack(answers, *["BucketNotEmpty"] * 9)

    with pytest.raises(Refusal, match="run the same command again"):
        stack.delete(living(answers))

    assert len(answers.called("cloudformation.delete_stack")) == 2
