"""What the platform costs a day, estimated from the profiles' parameters and a list of prices."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import yaml

from registers.tables import table
from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS_PER_MONTH = 365 / 12


@dataclass(frozen=True)
class Scenario:
    """Parameters and traffic; prices in US dollars."""

    traffic: dict[str, Any]
    facts: dict[str, Any]

    @cached_property
    def parameters(self) -> dict[str, str]:
        declared = house.root().parameters
        defaults = {name: str(it["Default"]) for name, it in declared.items() if "Default" in it}
        config = tomllib.loads((house.ROOT / "samconfig.toml").read_text())
        given = config[self.traffic["profile"]]["deploy"]["parameters"]["parameter_overrides"]
        overrides = dict(each.split("=", 1) for each in given)
        changed: dict[str, str] = self.traffic.get("changed", {})
        return defaults | overrides | changed

    def number(self, parameter: str) -> int:
        return int(self.parameters[parameter])

    def hourly(self, price: str) -> float:
        """A price per hour, for a month."""
        return float(self.facts["prices"][price] * self.facts["hours_per_month"])

    def used(self, amount: str, price: str) -> float:
        return float(self.traffic[amount] * self.facts["prices"][price])

    @property
    def members(self) -> int:
        return 1 + self.number("DatabaseReaders")

    def database(self) -> float:
        kind = self.parameters["DatabaseInstanceClass"]
        units = 1.0
        if kind == "db.serverless":
            units = self.traffic["capacity_units"] * self.traffic["awake_share"]
        insights = 0.0
        if self.parameters["DatabaseInsights"] == "advanced":
            insights = self.facts["vcpus"][kind] * self.hourly("insights_vcpu_hour")
        storage = self.used("database_gb", "aurora_storage_gb")
        reads_and_writes = self.used("database_io_million", "aurora_io_million")
        return self.members * (self.hourly(kind) * units + insights) + storage + reads_and_writes

    def proxy(self) -> float:
        if self.parameters["DatabaseProxy"] == "false":
            return 0.0
        vcpus = max(2, self.facts["vcpus"][self.parameters["DatabaseInstanceClass"]])
        return float(self.members * vcpus * self.hourly("proxy_vcpu_hour"))

    def redis(self) -> float:
        nodes = self.number("RedisShards") * (1 + self.number("RedisReplicasPerShard"))
        return nodes * self.hourly(self.parameters["RedisNodeType"])

    def service(self) -> float:
        vcpu, memory = task_vcpu_and_gb()
        task = vcpu * self.hourly("fargate_vcpu_hour") + memory * self.hourly("fargate_gb_hour")
        balancer = self.hourly("balancer_hour")
        return float(self.traffic["tasks"] * task + balancer + self.lcus())

    def lcus(self) -> float:
        return float(self.traffic["lcus"] * self.hourly("balancer_lcu_hour"))

    def stream(self) -> float:
        if self.parameters["StreamMode"] == "ON_DEMAND":
            return self.hourly("on_demand_hour") + self.used("stream_gb", "on_demand_gb")
        shard = self.hourly("shard_hour") + self.hourly("retention_shard_hour")
        shards = self.number("ShardCount") * shard
        return float(shards + self.used("put_units_million", "put_units_million"))

    def api(self) -> float:
        calls = self.used("api_million", "api_million") + self.used("api_million", "waf_million")
        return calls + float(self.facts["prices"]["waf_month"])

    def ways_out(self) -> float:
        gateways = 3 if self.parameters["NatGatewayPerAz"] == "true" else 1
        endpoints = 0.0
        if self.parameters["InterfaceEndpoints"] == "true":
            endpoints = 3 * interface_endpoints() * self.hourly("endpoint_hour")
        return gateways * self.hourly("nat_hour") + self.used("nat_gb", "nat_gb") + endpoints

    def functions(self) -> float:
        return self.used("consumer_gb_seconds", "lambda_gb_second")

    def copies(self) -> float:
        return self.used("backup_gb", "backup_gb") + self.used("files_gb", "files_gb")

    def watching(self) -> float:
        prices = self.facts["prices"]
        alarms = count("AWS::CloudWatch::Alarm") * prices["alarm_month"]
        keys = count("AWS::KMS::Key") * prices["key_month"]
        secrets = sum(name.endswith("SecretArn") for name in self.parameters_declared())
        rest = secrets * prices["secret_month"] + prices["dashboard_month"]
        return float(alarms + keys + rest + self.used("logs_gb", "logs_gb"))

    @staticmethod
    def parameters_declared() -> list[str]:
        return list(house.root().parameters)


LINES = (
    ("Aurora", "members x class, I/O, storage, insights", Scenario.database),
    ("RDS Proxy", "vCPUs of the members", Scenario.proxy),
    ("Redis", "shards x nodes x class", Scenario.redis),
    ("Fargate and balancer", "tasks, requests", Scenario.service),
    ("Kinesis", "gigabytes, or shards and put units", Scenario.stream),
    ("API Gateway and WAF", "calls", Scenario.api),
    ("NAT and endpoints", "zones, gigabytes", Scenario.ways_out),
    ("Functions", "events", Scenario.functions),
    ("Backups and files", "gigabytes", Scenario.copies),
    ("Alarms, logs, keys, secrets", "gigabytes of logs", Scenario.watching),
)


def count(kind: str) -> int:
    return sum(len(stack.resources(kind)) for stack in house.everything())


def task_vcpu_and_gb() -> tuple[float, float]:
    (task,) = (
        definition["Properties"]
        for stack in house.everything()
        for definition in stack.resources("AWS::ECS::TaskDefinition").values()
    )
    return int(task["Cpu"]) / 1024, int(task["Memory"]) / 1024


def interface_endpoints() -> int:
    return sum(
        endpoint["Properties"].get("VpcEndpointType") == "Interface"
        for stack in house.everything()
        for endpoint in stack.resources("AWS::EC2::VPCEndpoint").values()
    )


def scenarios() -> list[Scenario]:
    facts = yaml.safe_load((house.ROOT / "registers/costs.yaml").read_text())
    return [Scenario(traffic, facts) for traffic in facts["scenarios"].values()]


def per_day(scenario: Scenario, dollars_a_month: float) -> float:
    """Euros a day."""
    return float(dollars_a_month * scenario.facts["eur_per_usd"] / DAYS_PER_MONTH)


def rows() -> Iterator[list[str]]:
    columns = scenarios()
    for thing, driver, cost in LINES:
        yield [thing, driver, *(money(per_day(each, cost(each))) for each in columns)]
    totals = [sum(per_day(each, cost(each)) for _, _, cost in LINES) for each in columns]
    yield ["**together**", "", *(f"**{money(total)}**" for total in totals)]


def money(euros: float) -> str:
    return f"{euros:,.2f}" if euros < 100 else f"{euros:,.0f}"


def document() -> str:
    titles = [f"{each.traffic['title']}, EUR a day" for each in scenarios()]
    return TEXT.format(table=table(["what", "driven by", *titles], rows()))


TEXT = """# What it costs

Computed by `make docs` from the profiles in `samconfig.toml`, the templates and the prices and
traffic in `registers/costs.yaml`. **Estimates**: list prices from memory, no tax, no discount, no
free tier, one dollar as 0.90 euros. Reserved instances and savings plans take a third to a half off
what runs all the time.

{table}

## What to make of it

- A developer's stack is cheap because its database sleeps (no proxy, no reader), Redis is one small
  node and one gateway leads out. `make destroy ENV=…` in the evening leaves eight cents a day
  for the secrets.
- Production before the first viewer is mostly Aurora: three members of the class that a failover
  needs. It is the price of a lost zone that nobody notices.
- At ten million viewers the API's calls and Aurora's I/O lead. Both have a known way down: calls
  that repeat belong into a CDN before the API, and Aurora's I/O-optimised storage takes the I/O
  line away for a third more per hour. Events sent singly instead of aggregated would need three
  times the shards and eleven times the put units. On demand, the same stream would cost sixteen
  times as much: production starts on demand and changes `StreamMode` when its load is known.
- What `registers/costs.yaml` assumes about traffic is written beside each number there.
"""
