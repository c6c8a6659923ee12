"""Aurora and its proxy: what keeps them up, lets them be deployed, keeps people out of logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.templates import deployed, doors, grants, house, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

MEMBER = "AWS::RDS::DBInstance"
# What belongs to the cluster; on a member RDS refuses it or a later change differs.
OF_THE_CLUSTER = {
    "AllocatedStorage",
    "BackupRetentionPeriod",
    "DBSubnetGroupName",
    "DeletionProtection",
    "EnableCloudwatchLogsExports",
    "EngineVersion",
    "KmsKeyId",
    "MasterUserPassword",
    "MasterUsername",
    "MultiAZ",
    "StorageEncrypted",
    "VPCSecurityGroups",
}


def only(kind: str, environment: str = "prod") -> Resource:
    (found,) = deployed.platform(environment).resources(kind)
    return found


def members(tree: Tree) -> list[Resource]:
    return sorted(tree.resources(MEMBER), key=lambda it: int(it.properties["PromotionTier"]))


def test_production_stands_in_three_zones_and_fails_over_to_its_neighbour_first() -> None:
    tree = deployed.platform("prod")
    zones = [
        deployed.text(tree, it.stack, it.properties["AvailabilityZone"]) for it in members(tree)
    ]

    assert zones == [f"{house.REGION}{zone}" for zone in "abc"]
    assert [it.properties["PromotionTier"] for it in members(tree)] == [0, 1, 15]


def test_a_developers_database_is_one_member_that_may_sleep() -> None:
    tree = deployed.platform("dev")
    cluster = only("AWS::RDS::DBCluster", "dev")
    scaling = deployed.text(
        tree, cluster.stack, cluster.properties["ServerlessV2ScalingConfiguration"]
    )

    assert len(members(tree)) == 1
    assert scaling["MinCapacity"] == "0"
    assert scaling["SecondsUntilAutoPause"] >= 300
    assert tree.resources("AWS::RDS::DBProxy") == []  # would keep it awake


def test_a_failover_does_not_shrink_the_database() -> None:
    classes = {str(it.properties["DBInstanceClass"]) for it in members(deployed.platform("prod"))}

    assert classes == {"{'Ref': 'DatabaseInstanceClass'}"}


def test_a_member_says_nothing_of_what_belongs_to_its_cluster() -> None:
    for member in members(deployed.platform()):
        assert not OF_THE_CLUSTER & member.properties.keys(), member
        assert member.properties["Engine"] == "aurora-postgresql"
        assert member.properties["PubliclyAccessible"] is False
        assert member.properties["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"
        assert member.properties["AutoMinorVersionUpgrade"] is True


def test_a_member_has_no_snapshot_of_its_own() -> None:
    """RDS: "use deletion policy on the cluster instead"."""
    for member in members(deployed.platform()):
        assert member.body["DeletionPolicy"] == "Delete", member


def test_enhanced_monitoring_comes_with_its_role() -> None:
    for member in members(deployed.platform()):
        monitored = int(member.properties.get("MonitoringInterval", 0)) > 0
        assert monitored is ("MonitoringRoleArn" in member.properties), member


def test_every_version_can_be_created_and_has_the_family_of_its_parameters() -> None:
    aurora = house.children()["Aurora"]
    allowed = aurora.parameters["EngineVersion"]["AllowedValues"]
    family = aurora.body["Mappings"]["Engine"]

    assert list(family) == allowed
    for version in allowed:
        assert family[version]["Family"] == f"aurora-postgresql{version.partition('.')[0]}"
    for group in ("ClusterParameters", "InstanceParameters"):
        named = aurora.resources()[group]["Properties"]["Family"]
        assert named == {"Fn::FindInMap": ["Engine", {"Ref": "EngineVersion"}, "Family"]}


def test_insights_are_kept_for_as_long_as_their_mode_allows() -> None:
    cluster = house.children()["Aurora"].resources()["Cluster"]["Properties"]

    assert cluster["PerformanceInsightsEnabled"] is True
    assert cluster["DatabaseInsightsMode"] == {"Ref": "DatabaseInsights"}
    assert cluster["PerformanceInsightsRetentionPeriod"] == {
        "Fn::If": ["HasAdvancedInsights", 465, 7]
    }


def test_point_in_time_recovery_is_auroras_and_reaches_back_35_days() -> None:
    cluster = only("AWS::RDS::DBCluster").properties
    rules = [
        rule
        for plan in deployed.platform().resources("AWS::Backup::BackupPlan")
        for rule in plan.properties["BackupPlan"]["BackupPlanRule"]
    ]

    assert cluster["BackupRetentionPeriod"] == 35
    assert cluster["CopyTagsToSnapshot"] is True
    assert rules
    assert not any(rule["EnableContinuousBackup"] for rule in rules)


def test_deleting_the_database_is_decided_by_parameters() -> None:
    cluster = only("AWS::RDS::DBCluster").properties

    assert cluster["DeletionProtection"] == {"Ref": "DeletionProtection"}
    assert cluster["DeleteAutomatedBackups"] == {"Ref": "DeleteAutomatedBackups"}


def test_the_master_is_a_literal_because_another_one_would_replace_the_cluster() -> None:
    cluster = only("AWS::RDS::DBCluster").properties

    assert cluster["MasterUsername"] == {"Ref": "MasterUsername"}
    assert house.children()["Aurora"].parameters["MasterUsername"]["Default"] == "master"
    assert "ManageMasterUserPassword" not in cluster


def test_the_database_log_cannot_quote_a_person() -> None:
    parameters = only("AWS::RDS::DBClusterParameterGroup").properties["Parameters"]

    assert parameters["log_statement"] == "ddl"
    assert parameters["log_min_error_statement"] == "panic"
    assert parameters["log_error_verbosity"] == "terse"
    assert parameters["log_parameter_max_length"] == "0"
    assert parameters["log_parameter_max_length_on_error"] == "0"
    assert only("AWS::RDS::DBProxy").properties["DebugLogging"] is False


def test_readers_scale_from_the_ones_that_the_stack_keeps() -> None:
    tree = deployed.platform("prod")
    (target,) = [
        it
        for it in tree.resources("AWS::ApplicationAutoScaling::ScalableTarget")
        if it.properties["ServiceNamespace"] == "rds"
    ]
    resource = deployed.text(tree, target.stack, target.properties["ResourceId"])

    assert target.properties["ScalableDimension"] == "rds:cluster:ReadReplicaCount"
    assert resource == f"cluster:streamflix-aurora-{house.LONGEST_SUFFIX}"
    least = deployed.text(tree, target.stack, target.properties["MinCapacity"])
    assert str(least) == deployed.profile("prod")["DatabaseReaders"]


def test_the_proxy_takes_tokens_from_clients_and_the_password_from_the_secret() -> None:
    proxy = only("AWS::RDS::DBProxy").properties
    (login,) = proxy["Auth"]

    assert login["IAMAuth"] == "REQUIRED"
    assert login["AuthScheme"] == "SECRETS"
    assert login["SecretArn"] == {"Ref": "AppSecretArn"}
    assert only("AWS::RDS::DBProxyTargetGroup").properties["TargetGroupName"] == "default"
    assert "DBInstanceIdentifiers" not in only("AWS::RDS::DBProxyTargetGroup").properties


def test_reads_have_an_endpoint_of_their_own() -> None:
    assert only("AWS::RDS::DBProxyEndpoint").properties["TargetRole"] == "READ_ONLY"


def test_stacks_keep_two_pages_of_the_address_book_and_never_the_epoch() -> None:
    """CloudFormation would write its own number again, and undo a cutover."""
    tree = deployed.platform()
    pages = {
        deployed.text(tree, it.stack, it.properties["Name"])
        for it in tree.resources("AWS::SSM::Parameter")
    }
    book = f"/streamflix/{house.LONGEST_SUFFIX}/aurora"

    assert pages == {f"{book}/writer", f"{book}/reader"}
    for reader in ("Schema", "Analytics"):
        assert deployed.text(tree, reader, {"Ref": "AddressBook"}) == book


def test_the_schema_makes_the_epoch_and_takes_it_away_a_cutover_moves_it_and_nobody_else() -> None:
    tree = deployed.platform()
    changes = {"ssm:PutParameter", "ssm:AddTagsToResource", "ssm:DeleteParameter"}
    scope = f"arn:aws:ssm:eu-central-1:{deployed.ACCOUNT}:parameter"
    book = f"{scope}/streamflix/{house.LONGEST_SUFFIX}/aurora"

    granted = {
        (it.role.stack, action, page)
        for it in grants.grants(tree)
        for action in changes.intersection(it.actions)
        for page in policies.many(deployed.text(tree, it.policy.stack, it.statement["Resource"]))
    }

    assert granted == {("Schema", action, f"{book}/epoch") for action in changes} | {
        ("RecoveryCutover", "ssm:PutParameter", f"{book}/{page}")
        for page in ("writer", "reader", "epoch")
    }


def test_the_proxy_may_read_the_secret_that_it_logs_in_with_and_no_other() -> None:
    """Without DescribeSecret as well, every target stays unavailable."""
    tree = deployed.platform("prod")
    proxy = only("AWS::RDS::DBProxy")
    (role,) = tree.made(proxy.stack, proxy.properties["RoleArn"])
    secret = deployed.text(tree, proxy.stack, proxy.properties["Auth"][0]["SecretArn"])
    held = {
        (action, deployed.text(tree, grant.policy.stack, grant.statement["Resource"]))
        for grant in grants.grants(tree, role)
        for action in grant.actions
        if action.startswith("secretsmanager:")
    }

    assert held == {
        ("secretsmanager:GetSecretValue", secret),
        ("secretsmanager:DescribeSecret", secret),
    }


def test_the_service_asks_one_database_by_host_by_right_and_by_mark() -> None:
    """Through the proxy where there is one, else the cluster: never the one's host, the other's."""
    for environment, asked in (("prod", "Proxy"), ("local", "Proxy"), ("dev", "Aurora")):
        tree = deployed.platform(environment)
        for parameter in ("DatabaseWriterHost", "DatabaseReaderHost", "DatabaseResourceId"):
            (behind,) = tree.made("Service", {"Ref": parameter})
            assert behind.stack == asked, (environment, parameter)
        found = doors.stacks(doors.Doors(tree).paths())
        reached = {server for client, port, server in found if (client, port) == ("Service", 5432)}
        assert reached == {asked}, environment


def test_a_login_by_token_and_a_login_by_password_exclude_each_other() -> None:
    """Aurora refuses the password of a member of rds_iam, which is what the proxy logs in with."""
    for environment in deployed.ENVIRONMENTS:
        tree = deployed.platform(environment)
        (function,) = [it for it in tree.resources("AWS::Lambda::Function") if it.stack == "Schema"]
        variables = function.properties["Environment"]["Variables"]
        login = deployed.text(tree, "Schema", variables["APP_LOGIN"])
        with_proxy = bool(tree.resources("AWS::RDS::DBProxy"))
        assert login == ("password" if with_proxy else "token"), environment
