"""Which database cluster the environment's clients go to: the one that the address book names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from account.names import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterable


def own_cluster(environment: str) -> str:
    """The name of the stack's cluster."""
    return f"{PROJECT}-aurora-{environment}"


def writer_page(ssm: Any, environment: str) -> str:
    """`host:port` that takes writes, as the book says; empty when there is no book yet."""
    try:
        found = ssm.get_parameter(Name=f"/{PROJECT}/{environment}/aurora/writer")
    except ssm.exceptions.ParameterNotFound:
        return ""
    return str(found["Parameter"]["Value"])


def led_to(page: str, clusters: Iterable[dict[str, Any]]) -> str:
    """The name of the cluster that answers there; empty when it is none of these."""
    found = (
        str(each["DBClusterIdentifier"])
        for each in clusters
        if each.get("Endpoint") and page == f"{each['Endpoint']}:{each['Port']}"
    )
    return next(found, "")
