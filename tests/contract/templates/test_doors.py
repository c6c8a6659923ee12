"""Security groups of all stacks together: every path that is needed, and no other."""

from __future__ import annotations

import pytest

from tests.contract.templates import deployed, doors, wires

# Who calls whom, by stack. What is not in here is closed.
INSIDE = {
    ("Schema", 5432, "Aurora"),
    ("SchemaCopy", 5432, "Aurora"),
    ("Analytics", 5432, "Aurora"),
    ("Analytics", 6379, "Cache"),
    ("AnalyticsReplay", 5432, "Aurora"),
    ("AnalyticsReplay", 6379, "Cache"),
    ("Rotation", 5432, "Aurora"),
    ("Rotation", 6379, "Cache"),
    ("PrivacyErase", 5432, "Aurora"),
    ("PrivacyErase", 6379, "Cache"),
    ("PrivacyErase", 2049, "Files"),
    ("PrivacyDoor", 5432, "Aurora"),
    ("PrivacyDoor", 6379, "Cache"),
    ("PrivacyDoor", 2049, "Files"),
    ("PrivacyUpkeep", 5432, "Aurora"),
    ("PrivacyUpkeep", 6379, "Cache"),
    ("PrivacyReplay", 5432, "Aurora"),
    ("RecoveryProbe", 5432, "Aurora"),
    ("RecoveryRestore", 5432, "Aurora"),
    ("Service", 6379, "Cache"),
    ("Service", 2049, "Files"),
    ("Balancer", 8080, "Service"),
}
WITH_PROXY = {("Service", 5432, "Proxy"), ("Proxy", 5432, "Aurora")}
WITHOUT_PROXY = {("Service", 5432, "Aurora")}
# Whoever may call AWS's APIs does it through the endpoints, where there are any.
TO_THE_WORLD = {"Schema", "SchemaCopy", "Analytics", "AnalyticsReplay", "Rotation"}
TO_THE_WORLD |= {"PrivacyErase", "PrivacyDoor", "PrivacyUpkeep", "PrivacyReplay"}
TO_THE_WORLD |= {"RecoveryProbe", "RecoveryRestore", "Service"}
TO_ENDPOINTS = {(client, 443, "Endpoints") for client in TO_THE_WORLD}
# Worn by clusters that no template makes: restored copies, and what a cutover leaves behind.
QUARANTINE = "Aurora.QuarantineSecurityGroup"
STORES = ("Aurora", "Cache", "Files", "Proxy")


def expected(environment: str) -> set[doors.Path]:
    given = deployed.profile(environment)
    proxy = WITH_PROXY if given["DatabaseProxy"] == "true" else WITHOUT_PROXY
    endpoints = TO_ENDPOINTS if given["InterfaceEndpoints"] == "true" else set()
    balanced = {("Api", 443 if given["ServiceCertificateArn"] else 80, "Balancer")}
    return INSIDE | proxy | endpoints | balanced


@pytest.mark.parametrize("environment", deployed.ENVIRONMENTS)
def test_every_path_that_is_needed_is_open_and_no_other(environment: str) -> None:
    found = doors.Doors(deployed.platform(environment)).paths()

    assert doors.stacks(found) == expected(environment)


@pytest.mark.parametrize("environment", deployed.ENVIRONMENTS)
def test_nobody_wears_a_mark_without_need(environment: str) -> None:
    assert doors.Doors(deployed.platform(environment)).useless() == []


def test_every_mark_is_worn() -> None:
    tree = deployed.platform("prod")
    worn = frozenset().union(*doors.Doors(tree).worn.values())

    assert {str(it) for it in doors.groups(tree)} - worn == {QUARANTINE}


def test_a_cluster_in_quarantine_is_reached_by_recovery_alone_and_reaches_nobody() -> None:
    found = doors.Doors(deployed.platform("prod"))
    quarantined = {**found.worn, "Quarantine.Cluster": frozenset({QUARANTINE})}

    about_it = {it for it in doors.stacks(found.paths(quarantined)) if "Quarantine" in it}
    assert about_it == {
        ("SchemaCopy", 5432, "Quarantine"),
        ("PrivacyReplay", 5432, "Quarantine"),
        ("RecoveryRestore", 5432, "Quarantine"),
    }
    assert found.outside("Quarantine.Cluster", frozenset({QUARANTINE})) == set()


def test_whoever_reaches_a_cluster_in_quarantine_also_reaches_the_one_in_service() -> None:
    """A cutover fences a cluster while it still has its own group."""
    found = doors.Doors(deployed.platform("prod"))
    guards = found.worn["Aurora.Cluster"]
    mark = frozenset({"NetworkMarks.RecoveryClientSecurityGroup"})

    assert found.reach(mark, frozenset({QUARANTINE})) == found.reach(mark, guards) == {5432}


def test_a_store_admits_marks_and_never_an_address() -> None:
    found = doors.Doors(deployed.platform("prod"))
    guards = {
        group
        for wearer, groups in found.worn.items()
        for group in groups
        if wearer.startswith(tuple(f"{store}." for store in STORES))
    }
    admitting = [it for it in found.rules if it.group in guards and it.direction == "in"]

    assert len({it.group for it in admitting}) == len(STORES)
    for rule in admitting:
        assert rule.addresses == frozenset(), rule
        assert rule.groups, rule
        assert found.of(rule.groups, "in") == [], f"{rule}: a mark is called by nobody"


def test_nothing_lets_the_world_in() -> None:
    found = doors.Doors(deployed.platform("prod"))

    assert [it for it in found.rules if it.direction == "in" and it.addresses & doors.WORLD] == []


def test_only_https_leaves_the_network_and_only_from_where_code_runs() -> None:
    found = doors.Doors(deployed.platform("prod"))
    leaving = {
        (wearer.partition(".")[0], port)
        for wearer, groups in found.worn.items()
        for wearer, port in found.outside(wearer, groups)
    }

    assert leaving == {(stack, 443) for stack in TO_THE_WORLD}


def test_a_group_without_a_rule_for_leaving_would_let_everything_leave() -> None:
    """EC2 gives such a group a rule to everywhere."""
    found = doors.Doors(deployed.platform("prod"))
    silent = {str(it) for it in doors.groups(found.tree)}

    assert silent - {it.group for it in found.rules if it.direction == "out"} == set()


def test_a_rule_names_one_port_and_says_what_for() -> None:
    tree = deployed.platform("prod")
    for group in doors.groups(tree):
        for key in ("SecurityGroupIngress", "SecurityGroupEgress"):
            for rule in group.properties.get(key, []):
                assert rule.get("Description"), group
    for rule in doors.Doors(tree).rules:
        assert rule.first == rule.last or rule.addresses == doors.NOBODY, rule


def test_the_vpcs_default_group_is_emptied_and_worn_by_nobody() -> None:
    """It admits its own members, and whatever names no group wears it."""
    tree = deployed.platform("prod")
    (closed,) = tree.resources("Custom::ClosedDefaultSecurityGroup")
    origins = tree.origins(closed.stack, closed.properties)

    assert wires.Made("Network", "Vpc", "DefaultSecurityGroup") in origins
    dressed = {it.partition(".")[0] for it in doors.Doors(tree).worn}
    assert dressed >= {"Aurora", "Cache", "Files", "Proxy", "Balancer", "Service", "Api"}
    for function in tree.resources("AWS::Lambda::Function"):
        if "VpcConfig" in function.properties:
            assert function.properties["VpcConfig"]["SecurityGroupIds"], function
