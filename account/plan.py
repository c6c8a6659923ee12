"""What a deploy of one environment asks for: parameters as samconfig.toml sets them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent

FARGATE_UNITS_PER_CPU = 1024


@dataclass(frozen=True)
class Plan:
    """Parameters with their defaults, and what the templates would make of them."""

    environment: str
    stack: str
    parameters: Mapping[str, str]
    templates: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, environment: str, root: Path = ROOT) -> Plan:
        """Read it from the tree. Raises: `Refusal` when samconfig.toml has no such environment."""
        config = tomllib.loads((root / "samconfig.toml").read_text())
        if environment not in config:
            raise Refusal(f"samconfig.toml has no environment {environment!r}: give it a block.")
        settings = config[environment]["deploy"]["parameters"]
        files = [root / "template.yaml", *sorted((root / "stacks").glob("*.yaml"))]
        templates = {path.stem: _load(path) for path in files}
        given = dict(each.split("=", 1) for each in settings["parameter_overrides"])
        defaults = _defaults(templates["template"])
        return cls(environment, settings["stack_name"], defaults | given, templates)

    def get(self, parameter: str, otherwise: str = "") -> str:
        return self.parameters.get(parameter, otherwise)

    def number(self, parameter: str) -> float:
        return float(self.parameters.get(parameter) or 0)

    def true(self, parameter: str) -> bool:
        return self.parameters.get(parameter) == "true"

    def child(self, parameter: str) -> str:
        """What no parent passes: the default in the one stack that has it, such as a version."""
        for name, template in self.templates.items():
            if name != "template" and parameter in (found := _defaults(template)):
                return found[parameter]
        raise Refusal(f"No template under stacks/ has a default for {parameter}.")

    @cached_property
    def types(self) -> frozenset[str]:
        """Every resource type of every stack."""
        return frozenset(
            resource["Type"]
            for template in self.templates.values()
            for resource in template.get("Resources", {}).values()
        )

    @property
    def zones(self) -> int:
        """Zones that hold a database member."""
        return 1 + int(self.number("DatabaseReaders"))

    @property
    def nat_gateways(self) -> int:
        return 3 if self.true("NatGatewayPerAz") else 1

    @property
    def task_cpus(self) -> float:
        """vCPUs of one task of the service; 0 when no stack defines one."""
        sizes = [
            float(resource["Properties"]["Cpu"]) / FARGATE_UNITS_PER_CPU
            for template in self.templates.values()
            for resource in template.get("Resources", {}).values()
            if resource["Type"] == "AWS::ECS::TaskDefinition"
        ]
        return max(sizes, default=0.0)


def _defaults(template: Mapping[str, Any]) -> dict[str, str]:
    declared = template.get("Parameters", {})
    return {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}


def _load(path: Path) -> dict[str, Any]:
    """A template as plain data; what a function would compute is of no interest here."""
    import yaml

    class Loader(yaml.CSafeLoader):
        pass

    def tagged(loader: Any, _: str, node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return loader.construct_scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_mapping(node, deep=True)

    Loader.add_multi_constructor("!", tagged)
    loaded: dict[str, Any] = yaml.load(path.read_text(), Loader)  # noqa: S506 - a SafeLoader
    return loaded
