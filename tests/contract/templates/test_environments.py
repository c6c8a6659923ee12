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

WHAT_PRODUCTION_ADDS = {
    "PageEmail": "on-call@example.org",
    "ServiceHostName": "service.example.org",
    "ServiceCertificateArn": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
}

# One serverless member that sleeps, one shard without copies, one way out, one task.
SMALL = {
    "NatGatewayPerAz": "false",
    "InterfaceEndpoints": "false",
    "DatabaseInstanceClass": "db.serverless",
    "DatabaseReaders": "0",
    "DatabaseMinCapacity": "0",
    "DatabaseProxy": "false",
    "RedisShards": "1",
    "RedisReplicasPerShard": "0",
    "ServiceTasks": "1",
}

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
        case {"Fn::And": [*each]}:
            return all(value(it, given) for it in each)
        case {"Fn::Or": [*each]}:
            return any(value(it, given) for it in each)
        case {"Fn::Contains": [[*texts], sought]}:
            return value(sought, given) in texts
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
def test_the_root_accepts_every_environment_that_brings_what_is_its_own(environment: str) -> None:
    assert refusals(parameters(environment, **WHAT_PRODUCTION_ADDS)) == []


@pytest.mark.parametrize("environment", ["default", "dev", "local"])
def test_only_production_must_bring_anything(environment: str) -> None:
    assert refusals(parameters(environment)) == []


def test_production_as_it_stands_in_the_repository_says_what_it_still_needs() -> None:
    assert refusals(parameters("prod")) == [
        "Production talks TLS. Name its certificate.",
        "Somebody is woken when production is in danger. Set PageEmail or PageUrl.",
    ]


@every_environment
def test_only_the_laptop_deploys_without_asking(environment: str) -> None:
    assert deploy(environment)["confirm_changeset"] is (environment != "local")


def test_default_is_dev() -> None:
    assert CONFIG["default"] == CONFIG["dev"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "eu-central-2"])
def test_the_root_refuses_every_other_region(region: str) -> None:
    assert refusals(parameters("dev", **{"AWS::Region": region})) == [
        "Data stays in Frankfurt. Deploy to eu-central-1."
    ]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("DeletionProtection", "false", "Production keeps its data."),
        ("DeleteAutomatedBackups", "true", "Production keeps its data."),
        ("NatGatewayPerAz", "false", "Production survives the loss of a zone."),
        ("DatabaseReaders", "1", "Production survives the loss of a zone."),
        ("DatabaseProxy", "false", "Production survives the loss of a zone."),
        ("RedisReplicasPerShard", "1", "Production survives the loss of a zone."),
        ("ServiceTasks", "2", "Production survives the loss of a zone."),
        ("PageEmail", "", "Somebody is woken when production is in danger."),
    ],
)
def test_the_root_refuses_an_unsafe_production(name: str, text: str, sentence: str) -> None:
    (refusal,) = refusals(parameters("prod", **(WHAT_PRODUCTION_ADDS | {name: text})))

    assert refusal.startswith(sentence)
    assert refusals(parameters("dev", **{name: text})) == []


def test_a_paging_service_is_as_good_as_an_address() -> None:
    pages = WHAT_PRODUCTION_ADDS | {"PageEmail": "", "PageUrl": "https://pager.example.org/x"}

    assert refusals(parameters("prod", **pages)) == []


@pytest.mark.parametrize("name", ["ServiceHostName", "ServiceCertificateArn"])
def test_the_root_refuses_a_name_without_its_certificate_and_the_reverse(name: str) -> None:
    (refusal,) = refusals(parameters("dev", **{name: WHAT_PRODUCTION_ADDS[name]}))

    assert refusal.startswith("A name needs its certificate.")


def test_the_root_refuses_a_proxy_before_a_database_that_shall_sleep() -> None:
    sleepy = {"DatabaseInstanceClass": "db.serverless", "DatabaseMinCapacity": "0"}

    (refusal,) = refusals(parameters("local", **sleepy))

    assert refusal.startswith("A proxy keeps the database awake.")
    assert refusals(parameters("local", **(sleepy | {"DatabaseProxy": "false"}))) == []
    assert refusals(parameters("local", **(sleepy | {"DatabaseMinCapacity": "0.5"}))) == []


def test_the_root_refuses_a_proxy_that_has_no_reader_to_send_readers_to() -> None:
    (refusal,) = refusals(parameters("local", DatabaseReaders="0"))

    assert refusal.startswith("A proxy's reading side needs a reader.")


def test_a_developers_own_stack_is_small() -> None:
    dev = parameters("dev")

    assert {name: dev[name] for name in SMALL} == SMALL


@pytest.mark.parametrize("suffix", ["a", "a" * 13, "Prod", "my-env", "prod_2", ""])
def test_a_suffix_that_would_break_a_name_is_refused(suffix: str) -> None:
    pattern = house.root().parameters["EnvironmentSuffix"]["AllowedPattern"]

    assert re.fullmatch(pattern, suffix) is None


def test_the_laptop_has_productions_shape() -> None:
    local, prod = parameters("local"), parameters("prod")

    shapes = ("DatabaseReaders", "DatabaseProxy", "RedisShards", "RedisReplicasPerShard")
    for shape in (*shapes, "NatGatewayPerAz", "InterfaceEndpoints"):
        assert local[shape] == prod[shape]
    assert (local["StreamMode"], local["ShardCount"]) == ("PROVISIONED", "2")
