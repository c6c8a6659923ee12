"""samconfig.toml and the Rules: what each environment asks for, and what the root refuses."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from tests.contract.templates import house

CONFIG = tomllib.loads((house.ROOT / "samconfig.toml").read_text())
SUFFIXES = {"default": "dev", "dev": "dev", "prod": "prod", "local": "local"}
LOGINS = {
    "MasterSecretArn": "master",
    "AppSecretArn": "app",
    "AnalyticsSecretArn": "analytics",
    "PrivacySecretArn": "privacy",
    "RecoverySecretArn": "recovery",
    "RedisAppSecretArn": "redis/app",
    "RedisOpsSecretArn": "redis/ops",
}

SOMEBODY = "on-call@example.org"

every_environment = pytest.mark.parametrize("environment", SUFFIXES)


def deploy(environment: str) -> house.Body:
    return dict(CONFIG[environment]["deploy"]["parameters"])


def overrides(environment: str) -> dict[str, str]:
    return dict(it.split("=", 1) for it in deploy(environment)["parameter_overrides"])


def parameters(environment: str, **changed: str) -> dict[str, str]:
    """What CloudFormation would see: defaults, overrides, pseudo parameters."""
    declared = house.root().parameters
    defaults = {name: str(it["Default"]) for name, it in declared.items() if "Default" in it}
    return {**defaults, **overrides(environment), "AWS::Region": house.REGION, **changed}


def value(node: Any, given: dict[str, str]) -> Any:
    """The little of CloudFormation's language that our Rules speak."""
    match node:
        case {"Ref": name}:
            return given[name]
        case {"Fn::Equals": [left, right]}:
            return value(left, given) == value(right, given)
        case {"Fn::Not": [inner]}:
            return not value(inner, given)
        case str():
            return node
    raise AssertionError(node)


def refusals(given: dict[str, str]) -> list[str]:
    return [
        assertion["AssertDescription"]
        for rule in house.root().body["Rules"].values()
        if "RuleCondition" not in rule or value(rule["RuleCondition"], given)
        for assertion in rule["Assertions"]
        if not value(assertion["Assert"], given)
    ]


def test_there_are_these_environments() -> None:
    assert {name for name in CONFIG if name != "version"} == set(SUFFIXES)


@every_environment
def test_an_environment_deploys_its_own_stack_to_frankfurt(environment: str) -> None:
    settings = deploy(environment)

    assert settings["stack_name"] == settings["s3_prefix"] == f"streamflix-{SUFFIXES[environment]}"
    assert settings["region"] == house.REGION
    assert settings["resolve_s3"] is True
    assert settings["capabilities"] == [
        "CAPABILITY_IAM",
        "CAPABILITY_NAMED_IAM",
        "CAPABILITY_AUTO_EXPAND",
    ]


@every_environment
def test_an_environment_reads_its_own_secrets(environment: str) -> None:
    suffix = SUFFIXES[environment]
    given = overrides(environment)

    assert given["EnvironmentSuffix"] == suffix
    assert {name: given.get(name) for name in LOGINS} == {
        name: f"/streamflix/{suffix}/secret-arn/{login}" for name, login in LOGINS.items()
    }
    kinds = {house.root().parameters[name]["Type"] for name in LOGINS}
    assert kinds == {"AWS::SSM::Parameter::Value<String>"}


@every_environment
def test_an_environment_gives_what_is_needed_and_only_what_is_allowed(environment: str) -> None:
    declared = house.root().parameters
    given = overrides(environment)

    assert {name for name, it in declared.items() if "Default" not in it} - set(given) == set()
    assert set(given) - set(declared) == set()
    for name, text in given.items():
        allowed = [str(it) for it in declared[name].get("AllowedValues", [text])]
        assert text in allowed, name
        assert re.fullmatch(declared[name].get("AllowedPattern", ".*"), text), name


@every_environment
def test_the_root_accepts_every_environment_that_says_who_is_woken(environment: str) -> None:
    assert refusals(parameters(environment, PageEmail=SOMEBODY)) == []


def test_production_as_it_stands_in_the_repository_is_refused_until_it_says_who_is_woken() -> None:
    (refusal,) = refusals(parameters("prod"))

    assert refusal == "Somebody is woken when production is in danger. Set PageEmail."


@every_environment
def test_only_the_laptop_deploys_without_asking(environment: str) -> None:
    assert deploy(environment)["confirm_changeset"] is (environment != "local")


def test_default_is_dev() -> None:
    assert CONFIG["default"] == CONFIG["dev"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "eu-central-2"])
def test_the_root_refuses_every_other_region(region: str) -> None:
    assert refusals(parameters("dev", **{"AWS::Region": region})) == [
        "People's data stays in Frankfurt. Deploy to eu-central-1."
    ]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("DeletionProtection", "false", "Production keeps its database."),
        ("NatGatewayPerAz", "false", "Production survives the loss of a zone."),
        ("PageEmail", "", "Somebody is woken when production is in danger."),
        ("DeleteAutomatedBackups", "true", "Production keeps its backups."),
    ],
)
def test_the_root_refuses_an_unsafe_production(name: str, text: str, sentence: str) -> None:
    (refusal,) = refusals(parameters("prod", **{"PageEmail": SOMEBODY, name: text}))

    assert refusal.startswith(sentence)
    assert refusals(parameters("dev", **{name: text})) == []


@pytest.mark.parametrize("suffix", ["a", "a" * 13, "Prod", "my-env", "prod_2", ""])
def test_a_suffix_that_would_break_a_name_is_refused(suffix: str) -> None:
    pattern = house.root().parameters["EnvironmentSuffix"]["AllowedPattern"]

    assert re.fullmatch(pattern, suffix) is None


def test_the_laptop_has_productions_shape() -> None:
    local, prod = parameters("local"), parameters("prod")

    for shape in ("RedisShards", "RedisReplicasPerShard", "NatGatewayPerAz"):
        assert local[shape] == prod[shape]
    assert (local["StreamMode"], local["ShardCount"]) == ("PROVISIONED", "2")
