"""Rotation: every credential in time, one at a time, by whoever may, and somebody looks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.contract.templates import deployed, house, patterns
from tests.contract.templates.wires import Asked

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

SCHEDULE = "AWS::SecretsManager::RotationSchedule"
PERMISSION = "AWS::Lambda::Permission"
POLICY_DAYS = 30
CLIENTS_KEEP_SECONDS = 300  # `streamflix.secrets`
LOGINS = {
    "master": "MasterSecretArn",
    "app": "AppSecretArn",
    "analytics": "AnalyticsSecretArn",
    "privacy": "PrivacySecretArn",
    "recovery": "RecoverySecretArn",
    "redis/app": "RedisAppSecretArn",
    "redis/ops": "RedisOpsSecretArn",
}


def secret(tree: Tree, resource: Resource, property_: str) -> str:
    """The root's parameter that a resource names a secret by."""
    (origin,) = tree.origins(resource.stack, resource.properties[property_])
    assert isinstance(origin, Asked), resource
    return origin.parameter


def days(schedule: Resource) -> int:
    expression = str(schedule.properties["RotationRules"]["ScheduleExpression"])
    found = re.fullmatch(r"rate\((\d+) days\)", expression)
    assert found, expression
    return int(found[1])


def functions(tree: Tree) -> dict[str, Resource]:
    return {
        str(it.logical_id): it
        for it in tree.resources("AWS::Lambda::Function")
        if it.stack == "Rotation"
    }


def test_every_secret_of_the_platform_is_rotated_once() -> None:
    tree = deployed.platform()
    declared = {name for name in house.root().parameters if name.endswith("SecretArn")}
    scheduled = [secret(tree, it, "SecretId") for it in tree.resources(SCHEDULE)]

    assert sorted(scheduled) == sorted(declared) == sorted(LOGINS.values())


def test_no_credential_grows_older_than_the_policy_allows() -> None:
    for schedule in deployed.platform().resources(SCHEDULE):
        assert 1 <= days(schedule) <= POLICY_DAYS, schedule


def test_every_secret_has_an_interval_of_its_own_so_that_they_part() -> None:
    intervals = [days(it) for it in deployed.platform().resources(SCHEDULE)]

    assert len(set(intervals)) == len(intervals)
    assert min(intervals) >= 24  # nobody is rotated much more often than the policy asks


def test_a_deploy_rotates_nothing() -> None:
    for schedule in deployed.platform().resources(SCHEDULE):
        assert schedule.properties["RotateImmediatelyOnUpdate"] is False, schedule


def test_a_window_ends_before_the_night_does() -> None:
    """It opens at midnight UTC, and must not reach into the next day."""
    for schedule in deployed.platform().resources(SCHEDULE):
        found = re.fullmatch(r"(\d+)h", schedule.properties["RotationRules"]["Duration"])
        assert found, schedule
        assert 1 <= int(found[1]) <= 6, schedule


def test_secrets_manager_may_call_for_each_of_our_secrets_and_for_nobody_elses() -> None:
    tree = deployed.platform()
    called = {
        secret(tree, it, "SecretId"): tree.made(it.stack, it.properties["RotationLambdaARN"])
        for it in tree.resources(SCHEDULE)
    }
    allowed = {}
    for it in tree.resources(PERMISSION):
        if it.properties["Principal"] == "secretsmanager.amazonaws.com":
            assert it.properties["SourceAccount"] == {"Ref": "AWS::AccountId"}, it
            assert it.properties["Action"] == "lambda:InvokeFunction", it
            function = tree.made(it.stack, it.properties["FunctionName"])
            allowed[secret(tree, it, "SourceArn")] = function

    assert allowed == called
    assert {str(it) for found in called.values() for it in found} == {"Rotation.RotateFunction"}


def test_both_functions_know_the_same() -> None:
    tree = deployed.platform()
    rotate, sweep = (functions(tree)[it].properties for it in ("RotateFunction", "SweepFunction"))

    assert rotate["Environment"] == sweep["Environment"]
    assert rotate["VpcConfig"] == sweep["VpcConfig"]


def variables(tree: Tree) -> dict[str, str]:
    function = functions(tree)["RotateFunction"]
    properties = function.properties["Environment"]["Variables"]
    return {name: str(deployed.text(tree, function.stack, it)) for name, it in properties.items()}


def test_the_functions_know_every_login_by_the_secret_that_is_rotated() -> None:
    found = json.loads(variables(deployed.platform())["SECRET_ARNS"])

    assert list(found) == list(LOGINS)
    for login, arn in found.items():
        path = login if "/" in login else f"aurora/{login}"
        assert f"/{path}-" in arn, login


def test_the_users_of_redis_are_those_of_the_cache() -> None:
    tree = deployed.platform()
    users = {
        f"redis/{it.properties['UserName']}": deployed.text(tree, it.stack, it.properties["UserId"])
        for it in tree.resources("AWS::ElastiCache::User")
    }
    known = json.loads(variables(tree)["REDIS_USER_IDS"])

    assert known == {login: users[login] for login in ("redis/app", "redis/ops")}
    for login in variables(tree)["ADOPTED_SECRETS"].split(","):
        assert login in known


def test_a_password_that_redis_forgets_is_held_by_no_client_any_more() -> None:
    declared = house.children()["Rotation"].parameters["RotationRetireAfterSeconds"]

    assert declared["MinValue"] >= CLIENTS_KEEP_SECONDS
    assert declared["Default"] >= 2 * CLIENTS_KEEP_SECONDS


def test_two_rotations_are_further_apart_than_clients_keep_a_credential() -> None:
    """But on the laptop, where a demo rotates twice."""
    least = {it: deployed.profile(it)["RotationMinIntervalSeconds"] for it in ("dev", "prod")}

    assert all(int(it) > CLIENTS_KEEP_SECONDS for it in least.values())


def test_a_step_is_slow_when_it_took_three_fifths_of_its_functions_time() -> None:
    tree = deployed.platform()
    timeout = functions(tree)["RotateFunction"].properties["Timeout"]
    alarm = tree.resource("RotationSchedule", "RotationStepSlowAlarm").properties

    assert alarm["Threshold"] == 0.6 * timeout * 1000


def test_a_credential_is_too_old_a_day_after_the_policy_says_so() -> None:
    alarm = deployed.platform().resource("RotationSchedule", "SecretTooOldAlarm").properties

    assert alarm["Threshold"] == POLICY_DAYS + 1


def sweeps(tree: Tree) -> dict[str, Resource]:
    sweep = functions(tree)["SweepFunction"]
    return {
        rule.logical_id: rule
        for rule in tree.resources("AWS::Events::Rule")
        for target in tree.decided(rule.stack, rule.properties["Targets"])
        if sweep in tree.made(rule.stack, target["Arn"])
    }


def test_somebody_looks_every_quarter_of_an_hour_but_lets_a_database_sleep() -> None:
    expected = {"dev": ("rate(1 day)", 86_400), "prod": ("rate(15 minutes)", 900)}
    for environment, (rate, seconds) in expected.items():
        tree = deployed.platform(environment)
        rule = sweeps(tree)["SweepRule"]
        assert deployed.profile(environment)["DatabaseMinCapacity"] == {"dev": "0"}.get(
            environment, "0.5"
        )
        assert tree.decided(rule.stack, rule.properties["ScheduleExpression"]) == rate
        for name in ("SecretTooOldAlarm", "SecretDriftedAlarm", "SweepSilentAlarm"):
            alarm = tree.resource("RotationSchedule", name)
            assert tree.decided(alarm.stack, alarm.properties["Period"]) == seconds, name


def test_somebody_looks_after_every_deploy_whatever_became_of_it() -> None:
    tree = deployed.platform()
    pattern = sweeps(tree)["SweepAfterDeployRule"].properties["EventPattern"]
    (named,) = deployed.text(tree, "RotationSchedule", pattern["detail"]["stack-id"])
    status = pattern["detail"]["status-details"]["status"]

    assert named["prefix"].endswith(f":stack/streamflix-{house.LONGEST_SUFFIX}/")
    assert set(status) > {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
    assert not any(it.startswith("DELETE") or it.endswith("IN_PROGRESS") for it in status)


SAMPLES = house.ROOT / "events/rotation"


def sample(name: str) -> str:
    """As it would read in the environment whose suffix all names here have."""
    text = (SAMPLES / f"{name}.json").read_text().replace("a1B2c3", "AbCdEf")
    text = text.replace("d4E5f6", "AbCdEf").replace("streamflix/dev/", "streamflix/{}/")
    return text.replace("{}", house.LONGEST_SUFFIX).replace("-dev", f"-{house.LONGEST_SUFFIX}")


@pytest.mark.parametrize(
    ("place", "name", "old", "new"),
    [
        ("RotationSchedule SweepAfterDeployRule", "sweep_after_deploy", "UPDATE_", "DELETE_"),
        ("RotationSchedule SweepAfterDeployRule", "sweep_after_deploy", "/dca9", "-Data-X/dca9"),
        ("RotationSchedule RotationGivenUpRule", "given_up", "RotationFailed", "RotationStarted"),
        ("RotationSchedule RotationGivenUpRule", "given_up", "aurora/analytics", "another"),
        ("ServiceRedeploy RedeployRule", "label_updated", "AWSCURRENT", "MINE"),
        ("ServiceRedeploy RedeployRule", "label_updated", "redis/app", "redis/ops"),
    ],
)
def test_a_rule_hears_what_it_should_and_not_what_is_like_it(
    place: str, name: str, old: str, new: str
) -> None:
    tree = deployed.platform()
    rule = tree.resource(*place.split())
    pattern = deployed.text(tree, rule.stack, rule.properties["EventPattern"])

    assert patterns.matches(pattern, json.loads(sample(name)))
    assert not patterns.matches(pattern, json.loads(sample(name).replace(old, new)))


def test_a_rotation_that_secrets_manager_gives_up_is_told() -> None:
    tree = deployed.platform()
    rule = tree.resource("RotationSchedule", "RotationGivenUpRule")
    detail = rule.properties["EventPattern"]["detail"]
    named = [
        origin.parameter
        for origin in tree.origins(rule.stack, detail["additionalEventData"]["SecretId"])
        if isinstance(origin, Asked)
    ]

    assert {"RotationFailed", "RotationAbandoned"} <= set(detail["eventName"])
    assert sorted(named) == sorted(LOGINS.values())
