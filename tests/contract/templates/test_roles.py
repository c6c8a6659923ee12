"""Who may do what: every role of every stack, whom it trusts, what it is granted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.contract.templates import deployed, grants, house, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

# Calls for which a resource cannot be named, by statement, with the reason. Nothing else has "*".
FOR_EVERYTHING = {
    "Backup.BackupPolicy.BackupFindsWhatIsSelected": "tag:GetResources takes no resource",
    "NetworkClosed.NetworkClosePolicy.LooksForRules": "ec2:Describe… takes no resource",
    "NetworkMarks.VpcFunctionPolicy.LambdaManagesInterfaces": "an interface has no name yet",
    "NetworkMarks.VpcFunctionPolicy.OurCodeDoesNot": "a Deny is meant for everything",
    "PrivacyErase.ErasePolicy.StepFunctionsDeliversItsLog": "deliveries of logs have no name",
    "RecoveryCutover.CutoverPolicy.FindsTheScalingOfReaders": "a describe call takes no resource",
    "RecoveryCutover.CutoverPolicy.ScalingMakesSureThatItsCallerMayDoWhatItDoes": "of no account",
    "RecoveryDrill.RestorePolicy.StepFunctionsDeliversItsLog": "deliveries of logs have no name",
    "RecoveryGameDays.GameDayPolicy.FisDeliversItsLog": "deliveries of logs have no name",
    "RecoveryGameDays.GameDayPolicy.FisFindsTargets": "tag:GetResources takes no resource",
    "RecoveryGameDays.ServiceTaskPolicy.FisFindsTasks": "only a condition names the cluster",
    "RecoveryGameDaysStream.StreamThrottledPolicy.FisThrottlesTheStream": "only conditions name it",
    "RecoveryWatch.MonitorPolicy.FindsTasks": "ecs:ListTasks takes a cluster as a condition",
    "RecoveryWatch.MonitorPolicy.HearsOfRedisAndReadsMetrics": "neither call takes a resource",
    "Service.ServiceExecutionPolicy.EcsLogsInToOurRegistry": "ecr:GetAuthorizationToken takes none",
    "ServiceRedeploy.RedeployPolicy.StepFunctionsDeliversItsLog": "deliveries of logs have no name",
}
# AWS's own policies that a role may hold; ours would have to follow theirs.
AWSS_OWN = {
    "AmazonAPIGatewayPushToCloudWatchLogs": "API Gateway refuses a role that may write less",
    "AmazonRDSEnhancedMonitoringRole": "the agent's log group is the account's",
}
# Services that say for whom they ask (each service's guide, "cross-service confused deputy").
SAYS_FOR_WHOM = {
    "ecs-tasks.amazonaws.com",
    "events.amazonaws.com",
    "fis.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "scheduler.amazonaws.com",
    "states.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
}
SAYS_NOTHING = {
    "apigateway.amazonaws.com": "not documented; the condition holds where it does say",
    "backup.amazonaws.com": "documented for topics and keys, not for the roles that it takes on",
    "lambda.amazonaws.com": "only a function of the account can be given the account's role",
    "rds.amazonaws.com": "documented for monitoring and exports, not for a proxy",
}


def written(statement: house.Body) -> list[str]:
    return [str(it) for it in policies.many(statement["Action"])]


def test_a_function_has_a_role_of_its_own_beside_it() -> None:
    tree = deployed.platform()
    roles = []
    for function in tree.resources("AWS::Lambda::Function"):
        (role,) = tree.made(function.stack, function.properties["Role"])
        assert role.stack == function.stack, function
        assert role.properties["RoleName"] == function.properties["FunctionName"], function
        roles.append(role)

    assert len(set(roles)) == len(roles) >= 3


def test_a_role_lists_its_policies_so_that_they_outlive_who_uses_it() -> None:
    for role in deployed.platform().resources(grants.ROLE):
        assert role.properties["ManagedPolicyArns"], role
        assert "Policies" not in role.properties, role


def test_a_role_holds_our_policies_or_one_of_awss_that_is_listed() -> None:
    tree = deployed.platform()
    for role in tree.resources(grants.ROLE):
        listed = role.properties["ManagedPolicyArns"]
        held = deployed.text(tree, role.stack, listed)
        foreign = {it.rpartition("/")[2] for it in held if ":iam::aws:" in it}
        assert foreign <= AWSS_OWN.keys(), role
        # a policy that is named, not referred to, may be made after the role and deleted before
        assert len(held) == len(foreign) + len(tree.made(role.stack, listed)), role


def test_every_role_can_be_capped() -> None:
    for role in deployed.platform().resources(grants.ROLE):
        assert role.properties["PermissionsBoundary"] == {
            "Fn::If": [
                "HasPermissionsBoundary",
                {"Ref": "PermissionsBoundary"},
                {"Ref": "AWS::NoValue"},
            ]
        }, role


def test_a_policy_never_reaches_for_a_role_and_there_is_no_other_kind() -> None:
    tree = deployed.platform()
    for policy in tree.resources(grants.POLICY):
        assert not {"Roles", "Users", "Groups"} & policy.properties.keys(), policy

    assert tree.resources("AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::User") == []


def test_every_policy_is_held_by_a_role() -> None:
    tree = deployed.platform()

    assert {it.policy for it in grants.grants(tree)} == set(tree.resources(grants.POLICY))


def trust(tree: Tree, role: Resource) -> dict[str, object]:
    return dict(deployed.text(tree, role.stack, role.properties["AssumeRolePolicyDocument"]))


def test_a_role_is_for_one_service_that_acts_for_this_account() -> None:
    tree = deployed.platform()
    for role in tree.resources(grants.ROLE):
        (service,) = policies.services(trust(tree, role))
        assert service in SAYS_FOR_WHOM | SAYS_NOTHING.keys(), (role, service)
        for account in (deployed.ACCOUNT, "999999999999"):
            sent = {"aws:SourceAccount": account, "aws:SourceArn": source(service, account)}
            asked = policies.Request(f"service:{service}", "sts:AssumeRole", context=sent)
            admitted = policies.admits(trust(tree, role), asked)
            open_to_all = service == "lambda.amazonaws.com"
            assert admitted is (account == deployed.ACCOUNT or open_to_all), (role, account)


def source(service: str, account: str) -> str:
    """Something that the service may act for in an account."""
    name = service.removesuffix(".amazonaws.com").removesuffix("-tasks")
    return f"arn:aws:{name}:{house.REGION}:{account}:anything/of-it"


def test_a_service_that_says_nothing_is_let_in_without_and_the_others_are_not() -> None:
    tree = deployed.platform()
    for role in tree.resources(grants.ROLE):
        (service,) = policies.services(trust(tree, role))
        silent = policies.Request(f"service:{service}", "sts:AssumeRole")
        assert policies.admits(trust(tree, role), silent) is (service in SAYS_NOTHING), role


def test_a_policy_names_its_actions_and_its_resources() -> None:
    tree = deployed.platform()
    everything = set()
    for grant in grants.grants(tree):
        assert not {"NotAction", "NotResource", "NotPrincipal"} & grant.statement.keys(), grant
        assert [it for it in grant.actions if "*" in it] == [], grant
        if "*" in policies.many(grant.statement["Resource"]):
            everything.add(str(grant))

    assert everything == FOR_EVERYTHING.keys()


def test_every_resource_of_a_grant_is_in_this_account_and_narrower_than_a_service() -> None:
    tree = deployed.platform("prod")
    for grant in grants.grants(tree):
        for arn in policies.many(
            deployed.text(tree, grant.policy.stack, grant.statement["Resource"])
        ):
            if arn == "*" or arn.startswith("<"):
                continue
            _, _, service, _, account, name = arn.split(":", 5)
            assert service != "*", grant
            assert name != "*", grant
            assert account in (deployed.ACCOUNT, "") or arn.startswith("arn:aws:s3:::"), grant


def test_a_grant_has_a_sentence_for_a_name() -> None:
    for grant in grants.grants(deployed.platform()):
        assert re.fullmatch(r"([A-Z][a-z0-9]*){2,}", grant.sid), grant


# Who asks KMS itself: what it signs, seals or tells apart is in no service's store.
ASKS_KMS = {
    "Analytics.AnalyticsPolicy.TellsWhoIsErased",
    "AnalyticsReplay.ReplayPolicy.TellsWhoIsErased",
    "PrivacyDoor.AnswerPolicy.SignsAnswers",
    "PrivacyDoor.AnswerPolicy.WrapsAndUnwrapsKeys",
    "PrivacyDoor.CallPolicy.SignsCalls",
    "PrivacyErase.WorkPolicy.SignsReceipts",
    "PrivacyErase.WorkPolicy.UnwrapsKeys",
    "PrivacyReplay.ReplayPolicy.SignsItsReceipt",
    "PrivacyReplay.ReplayPolicy.UnwrapsTheKeyOfTombstones",
}


def test_a_key_is_used_only_through_the_service_that_needs_it() -> None:
    for grant in grants.grants(deployed.platform()):
        if f"{grant.policy}.{grant.sid}" in ASKS_KMS:
            assert "Condition" not in grant.statement, grant
            continue
        actions = [it for it in grant.actions if it.startswith("kms:")]
        if actions and actions != ["kms:DescribeKey"]:
            condition = grant.statement["Condition"]
            through = "kms:ViaService" in condition.get("StringEquals", {})
            for_aws = condition.get("Bool") == {"kms:GrantIsForAWSResource": True}
            assert through or (for_aws and actions == ["kms:CreateGrant"]), grant


def test_only_lambda_itself_touches_network_interfaces() -> None:
    policy = deployed.platform().resource("NetworkMarks", "VpcFunctionPolicy").properties
    allow, deny = policies.statements(policy["PolicyDocument"])

    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert allow["Action"] == deny["Action"]
    assert "lambda:SourceFunctionArn" in deny["Condition"]["ArnLike"]


def test_a_function_in_the_network_may_be_plugged_in_and_no_other() -> None:
    tree = deployed.platform()
    plug = tree.resource("NetworkMarks", "VpcFunctionPolicy")
    for function in tree.resources("AWS::Lambda::Function"):
        (role,) = tree.made(function.stack, function.properties["Role"])
        held = tree.made(role.stack, role.properties["ManagedPolicyArns"])
        assert ("VpcConfig" in function.properties) is (plug in held), function
        if "VpcConfig" in function.properties:
            subnets = function.properties["VpcConfig"]["SubnetIds"]
            assert subnets == {"Ref": "PrivateSubnetIds"}, function


# They give roles of the database the passwords that secrets name.
MAKE_LOGINS = ("Rotation", "Schema", "RecoveryRestore")
PRIVACY = ("PrivacyDoor", "PrivacyErase", "PrivacyUpkeep")


def test_a_login_of_the_database_is_reached_by_whoever_logs_in_with_it_only() -> None:
    """Secrets, by the login that they hold: who may read each."""
    tree = deployed.platform("prod")
    readers: dict[str, set[str]] = {}
    for grant in grants.grants(tree):
        if "secretsmanager:GetSecretValue" in grant.actions:
            named = deployed.text(tree, grant.policy.stack, grant.statement["Resource"])
            for arn in policies.many(named):
                login = arn.partition(":secret:")[2].rpartition("-")[0].partition("/")[2]
                readers.setdefault(login.partition("/")[2], set()).add(grant.role.stack)

    assert readers == {
        "aurora/master": {*MAKE_LOGINS, "SchemaCopy", "PrivacyReplay"},
        "aurora/app": {*MAKE_LOGINS, "Proxy"},
        "aurora/analytics": {*MAKE_LOGINS, "Analytics", "AnalyticsReplay"},
        "aurora/privacy": {*MAKE_LOGINS, *PRIVACY},
        "aurora/recovery": {*MAKE_LOGINS, "RecoveryProbe"},
        "redis/app": {"Rotation", "Service"},
        "redis/ops": {"Rotation", "Analytics", "AnalyticsReplay", *PRIVACY},
    }


def test_no_template_holds_a_password() -> None:
    for stack in house.everything():
        for path, value in house.walk(stack.body["Resources"]):
            if path and re.search(r"(?i)password$|passwords$", path[-1]) and value != []:
                assert "{{resolve:secretsmanager:" in str(value), (stack.name, path)


def test_secrets_and_service_linked_roles_exist_before_the_stack() -> None:
    """The one belongs to the environment; the other fails where it is there already."""
    tree = deployed.platform()

    assert tree.resources("AWS::SecretsManager::Secret", "AWS::IAM::ServiceLinkedRole") == []
    assert tree.resources("AWS::SecretsManager::SecretTargetAttachment") == []
