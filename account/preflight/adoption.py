"""Whether the stack's cluster is in service: after a cutover another is, until it is adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from account import in_service
from account.preflight.finding import Check, Finding, Look, fails

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "the database in service"


def _adopted(look: Look) -> Iterator[Finding]:
    own = in_service.own_cluster(look.environment)
    page = in_service.writer_page(look.at("ssm"), look.environment)
    if not page:
        yield Finding(NAME, "no address book yet")
        return
    pages = look.at("rds").get_paginator("describe_db_clusters").paginate()
    clusters = [each for one in pages for each in one["DBClusters"]]
    leads_to = in_service.led_to(page, clusters)
    if leads_to == own:
        yield Finding(NAME, own)
    elif leads_to or own in {each["DBClusterIdentifier"] for each in clusters}:
        yield fails(
            NAME,
            f"the address book leads to {leads_to or page}, and not to the stack's {own}",
            "A cutover was not adopted: CloudFormation would look after a cluster that is out of "
            f"service. make adopt ENV={look.environment} comes first: docs/cutover.md",
        )
    else:
        yield Finding(NAME, "none yet")


CHECKS = (Check(NAME, _adopted),)
