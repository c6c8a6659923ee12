"""Judges the recorded calls again: which grants nobody used, which statements nobody would miss.

``python -m local.iam_replay --home .local/main --suffix local`` prints JSON about the roles
``streamflix-…-<suffix>`` of the running cloud. Identity policies only: what a resource's own policy
would allow by itself is not considered.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ministack.core import iam_evaluator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LAMBDA_AGENT = "exec-env/AWS_Lambda"
"""In the user agent of every call that a function makes with boto3."""

Call = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one policy of one role."""

    role: str
    policy: str
    place: str
    document: str

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.document)
        return content

    def name(self) -> dict[str, str]:
        return {"role": self.role, "policy": self.policy, "statement": self.place}


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong; each list should be empty, or hold what is exempt by name."""

    unused: list[dict[str, str]]
    """Grants (one action pattern on one resource pattern) that no recorded call used."""
    removable: list[dict[str, str]]
    """Statements without which each recorded call would still be allowed."""
    refused: list[Call]
    """Calls of these roles that were refused."""
    root_from_functions: list[Call]
    """Calls that a function made as the account's root."""


def statements(role: str, policy: str, document: dict[str, Any]) -> list[Statement]:
    content = document["Statement"]
    listed = content if isinstance(content, list) else [content]
    return [
        Statement(role, policy, each.get("Sid") or str(index), json.dumps(each))
        for index, each in enumerate(listed)
    ]


def replay(calls: Iterable[Call], policies: Sequence[Statement]) -> Findings:
    """Judge each call of the roles in `policies` again."""
    roles = {each.role for each in policies}
    recorded = list({_key(call): call for call in calls}.values())
    by_role: dict[str, list[Call]] = {role: [] for role in roles}
    for call in recorded:
        if role_of(call) in roles:
            by_role[role_of(call)].append(call)
    allows = [each for each in policies if each.content["Effect"] == "Allow"]
    return Findings(
        unused=[
            each.name() | {"action": action, "resource": resource}
            for each in allows
            for action, resource in _grants(each.content)
            if not _used(each.content, action, resource, by_role[each.role])
        ],
        removable=[
            each.name()
            for each in allows
            if not _missed(each, [other for other in policies if other.role == each.role], by_role)
        ],
        refused=[call for of_role in by_role.values() for call in of_role if not call["allowed"]],
        root_from_functions=[
            call
            for call in recorded
            if call["principal"].endswith(":root") and LAMBDA_AGENT in call["user_agent"]
        ],
    )


def role_of(call: Call) -> str:
    """The role behind a call's session; empty when it was nobody's session."""
    kind, _, rest = call["principal"].rpartition(":")[2].partition("/")
    return str(rest.partition("/")[0]) if kind == "assumed-role" else ""


def _key(call: Call) -> str:
    return json.dumps(
        {key: value for key, value in call.items() if key != "user_agent"}
        | {"function": LAMBDA_AGENT in call["user_agent"]}
    )


def _grants(statement: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for action in _listed(statement.get("Action", "*")):
        for resource in _listed(statement.get("Resource", "*")):
            yield action, resource


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _used(statement: dict[str, Any], action: str, resource: str, calls: Sequence[Call]) -> bool:
    narrowed = statement | {"Action": action, "Resource": resource}
    return any(call["allowed"] and _allowed(call, [narrowed]) for call in calls)


def _missed(one: Statement, of_role: Sequence[Statement], by_role: dict[str, list[Call]]) -> bool:
    others = [each.content for each in of_role if each != one]
    return any(call["allowed"] and not _allowed(call, others) for call in by_role[one.role])


def _allowed(call: Call, documents: list[dict[str, Any]]) -> bool:
    context = call["context"]
    account = context["principal_account"]
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/{role_of(call)}",
        action=call["action"],
        resource_arn=call["resource"],
        **context,
    )
    policy = iam_evaluator.parse_policy_document({"Statement": documents})
    return bool(iam_evaluator.evaluate(asked, [policy]).decision == "Allow")


def deployed(iam: Any, suffix: str) -> list[Statement]:
    """The statements of our policies, attached and inline, of this environment's roles."""
    found: list[Statement] = []
    for page in iam.get_paginator("list_roles").paginate():
        names = (role["RoleName"] for role in page["Roles"])
        for role in fnmatch.filter(names, f"streamflix-*-{suffix}"):
            for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
                arn = attached["PolicyArn"]
                if arn.startswith("arn:aws:iam::aws:"):
                    continue  # AWS's own, for its own services
                version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
                got = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
                found += statements(role, attached["PolicyName"], got["Document"])
            for inline in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                got = iam.get_role_policy(RoleName=role, PolicyName=inline)
                found += statements(role, inline, got["PolicyDocument"])
    return found


def recorded(home: Path) -> list[Call]:
    with (home / "iam.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main() -> None:
    from local import gateway

    parser = argparse.ArgumentParser(prog="local.iam_replay", description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".local/main"))
    parser.add_argument("--suffix", default="local")
    chosen = parser.parse_args()
    os.environ["MINISTACK_REGION"] = "eu-central-1"
    os.environ["GATEWAY_PORT"] = (chosen.home / "port-base").read_text()
    policies = deployed(gateway.client("iam"), chosen.suffix)
    print(json.dumps(asdict(replay(recorded(chosen.home), policies)), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
