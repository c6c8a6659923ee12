"""A deploy waits until a cutover is adopted: CloudFormation knows the stack's cluster alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from account.preflight import adoption
from tests.unit.account.answers import Refused
from tests.unit.account.condemned import cluster
from tests.unit.account.looking import findings, verdicts

if TYPE_CHECKING:
    from account.preflight.finding import Finding
    from tests.unit.account.answers import Answers

OWN = cluster("streamflix-aurora-dev", Endpoint="own.cluster", Port=5432)
COPY = cluster("streamflix-aurora-dev-r1", Endpoint="copy.cluster", Port=5432)
# The laptop tells clusters apart by their ports.
BESIDE = cluster("streamflix-aurora-dev-r1", Endpoint="own.cluster", Port=5433)


def look(answers: Answers, page: str, *clusters: dict[str, Any]) -> list[Finding]:
    found = {"Parameter": {"Value": page}} if page else Refused("ParameterNotFound")
    answers["ssm.get_parameter"] = found
    answers["rds.describe_db_clusters"] = {"DBClusters": list(clusters)}
    return findings(answers, adoption.CHECKS, adoption.NAME)


@pytest.mark.parametrize(
    ("page", "clusters"),
    [
        ("own.cluster:5432", (OWN,)),
        ("own.cluster:5432", (OWN, COPY)),  # a drill's, beside it
        ("", ()),
        ("", (OWN,)),  # a first deploy that was cut off
        ("own.cluster:5432", ()),
    ],
)
def test_the_stack_s_own_cluster_in_service_takes_a_deploy(
    answers: Answers, page: str, clusters: tuple[dict[str, Any], ...]
) -> None:
    assert verdicts(look(answers, page, *clusters)) == ["ok"]


@pytest.mark.parametrize(
    ("page", "clusters"),
    [
        ("copy.cluster:5432", (OWN, COPY)),
        ("own.cluster:5433", (OWN, BESIDE)),
        ("copy.cluster:5432", (COPY,)),  # the old one is renamed away, the copy not yet in
        ("nobody.knows:5432", (OWN,)),
    ],
)
def test_another_cluster_in_service_refuses_it_with_the_command(
    answers: Answers, page: str, clusters: tuple[dict[str, Any], ...]
) -> None:
    (found,) = look(answers, page, *clusters)

    assert verdicts([found]) == ["FAIL"]
    assert "make adopt ENV=dev" in found.remedy
    assert "docs/cutover.md" in found.remedy
