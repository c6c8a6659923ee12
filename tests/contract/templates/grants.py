"""What every role may do: its managed policies, followed through all stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.contract.templates import deployed, policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.templates.wires import Body, Resource, Tree

ROLE = "AWS::IAM::Role"
POLICY = "AWS::IAM::ManagedPolicy"


@dataclass(frozen=True)
class Grant:
    """One statement that a role holds."""

    role: Resource
    policy: Resource
    statement: Body

    @property
    def sid(self) -> str:
        return str(self.statement.get("Sid", ""))

    @property
    def actions(self) -> list[str]:
        return [str(it) for it in policies.many(self.statement["Action"])]

    def resources(self, tree: Tree) -> list[Resource]:
        """The resources of this platform that the statement names."""
        return tree.made(self.policy.stack, self.statement["Resource"])

    def __str__(self) -> str:
        return f"{self.policy}.{self.sid}"


def grants(tree: Tree, *roles: Resource) -> Iterator[Grant]:
    for role in roles or tree.resources(ROLE):
        for policy in tree.made(role.stack, role.properties["ManagedPolicyArns"]):
            document = tree.decided(policy.stack, policy.properties["PolicyDocument"])
            for statement in policies.statements(document):
                yield Grant(role, policy, statement)


def arn(tree: Tree, role: Resource) -> str:
    return deployed.arn(tree, role)


def allowed(tree: Tree, role: Resource, request: policies.Request) -> bool:
    """Whether the role's own policies let it make the request."""
    found = [deployed.text(tree, it.policy.stack, it.statement) for it in grants(tree, role)]
    return policies.admits({"Statement": found}, request)
