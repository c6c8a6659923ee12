"""What the functions of a restore may change: copies, and in earnest what these replace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.templates import deployed, grants, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

CLUSTER = f"arn:aws:rds:eu-central-1:{deployed.ACCOUNT}:cluster:streamflix-aurora-{'a' * 12}"


def role_of(tree: Tree, stack: str, function: str) -> Resource:
    found = tree.resource(stack, function)
    (role,) = tree.made(stack, found.properties["Role"])
    return role


def changed_by(tree: Tree, role: Resource, action: str, kind: str) -> set[str]:
    """The resources of one kind that a role may change."""
    return {
        arn
        for grant in grants.grants(tree, role)
        if action in grant.actions
        for arn in policies.many(
            deployed.text(tree, grant.policy.stack, grant.statement["Resource"])
        )
        if arn.split(":")[5] == kind
    }


def test_a_cutover_changes_the_stacks_cluster_and_its_copies_alone() -> None:
    tree = deployed.platform()
    role = role_of(tree, "RecoveryCutover", "CutoverFunction")
    instances = CLUSTER.replace(":cluster:", ":db:")

    changed = changed_by(tree, role, "rds:ModifyDBCluster", "cluster")
    assert changed == {CLUSTER, f"{CLUSTER}-r*"}, "what was replaced is left as it is"
    assert changed_by(tree, role, "rds:FailoverDBCluster", "cluster") == {CLUSTER}
    assert changed_by(tree, role, "rds:ModifyDBInstance", "db") == {f"{instances}-*"}
    assert changed_by(tree, role, "rds:DeleteDBCluster", "cluster") == set(), "it keeps what it has"


def test_a_rehearsal_can_change_neither_the_cluster_in_service_nor_the_address_book() -> None:
    tree = deployed.platform()
    role = role_of(tree, "RecoveryRestore", "RestoreFunction")

    for action in ("rds:ModifyDBCluster", "rds:DeleteDBCluster"):
        for name, may in ((CLUSTER, False), (f"{CLUSTER}-r1", True)):
            request = policies.Request("arn:aws:iam::1:role/x", action, name)
            assert grants.allowed(tree, role, request) is may, (action, name)
    for name in "abc":
        member = CLUSTER.replace(":cluster:", ":db:") + f"-{name}"
        request = policies.Request("arn:aws:iam::1:role/x", "rds:DeleteDBInstance", member)
        assert not grants.allowed(tree, role, request), member
    for stack, function in (
        ("RecoveryRestore", "RestoreFunction"),
        ("RecoveryRestore", "CopyFunction"),
    ):
        held = grants.grants(tree, role_of(tree, stack, function))
        assert [it.sid for it in held if any(a.startswith("ssm:") for a in it.actions)] == []
