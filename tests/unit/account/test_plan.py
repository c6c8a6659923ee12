"""What a deploy asks for is read from the tree as it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from account.plan import Plan
from account.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[dev.deploy.parameters]
stack_name = "streamflix-dev"
parameter_overrides = ["EnvironmentSuffix=dev", "NatGatewayPerAz=false", "PageEmail=a=b@x.org"]
"""
ROOT = """
Parameters:
  EnvironmentSuffix: {Type: String}
  NatGatewayPerAz: {Type: String, Default: "true"}
  DatabaseReaders: {Type: Number, Default: 2}
Resources:
  Service: {Type: AWS::Serverless::Application, Properties: {Location: stacks/service.yaml}}
"""
SERVICE = """
Parameters:
  EngineVersion: {Type: String, Default: "16.11"}
Resources:
  Tasks:
    Type: AWS::ECS::TaskDefinition
    Properties: {Cpu: "512", Family: !Sub "x-${Y}", Memory: !If [A, 1, !Ref B]}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "samconfig.toml").write_text(CONFIG)
    (tmp_path / "template.yaml").write_text(ROOT)
    (tmp_path / "stacks" / "service.yaml").write_text(SERVICE)
    return tmp_path


def test_samconfig_overrules_the_templates_defaults(tree: Path) -> None:
    plan = Plan.of("dev", tree)

    assert plan.stack == "streamflix-dev"
    assert plan.parameters == {
        "EnvironmentSuffix": "dev",
        "NatGatewayPerAz": "false",
        "DatabaseReaders": "2",
        "PageEmail": "a=b@x.org",
    }
    assert (plan.nat_gateways, plan.zones) == (1, 3)
    assert not plan.true("NatGatewayPerAz")


def test_what_the_templates_would_make_is_known(tree: Path) -> None:
    plan = Plan.of("dev", tree)

    assert plan.types == {"AWS::Serverless::Application", "AWS::ECS::TaskDefinition"}
    assert plan.task_cpus == 0.5
    assert plan.child("EngineVersion") == "16.11"


def test_a_default_that_no_stack_has_is_refused(tree: Path) -> None:
    with pytest.raises(Refusal, match="has a default for Colour"):
        Plan.of("dev", tree).child("Colour")


def test_an_environment_without_a_block_is_refused(tree: Path) -> None:
    with pytest.raises(Refusal, match="no environment 'staging'"):
        Plan.of("staging", tree)


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_the_real_tree_has_what_the_checks_ask_for(environment: str) -> None:
    plan = Plan.of(environment)

    assert plan.stack == f"streamflix-{environment}"
    assert plan.child("MasterUsername") == "master"
    assert plan.child("EngineVersion").startswith("16.")
    for name in ("DatabaseInstanceClass", "RedisNodeType", "StreamMode", "NatGatewayPerAz"):
        assert plan.get(name), name
