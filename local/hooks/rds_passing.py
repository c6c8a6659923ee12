"""Gap: RDS takes tags and roles from whoever may make the thing that gets them.

On AWS whoever tags what they make needs `rds:AddTagsToResource` on it, and whoever gives an
instance a role for its monitoring needs `iam:PassRole` on the role, for RDS's monitoring.

Test: tests/contract/local/test_rds_passing.py
"""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING, Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import rds

from local import authorization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.context import Cloud

    Use = tuple[str, str, dict[str, Any]]

PATCHES: tuple[str, ...] = (
    "ministack.app:_routing_params",
    "ministack.core.iam_actions:access_denied_response",
    "ministack.core.router:extract_access_key_id",
    "ministack.services.rds:_p",
    "ministack.services.rds:_parse_tags",
    "ministack.services.rds:handle_request",
)
TYPES: tuple[str, ...] = ()

MADE = {
    "CreateDBCluster": ("cluster", "DBClusterIdentifier"),
    "CreateDBInstance": ("db", "DBInstanceIdentifier"),
    "RestoreDBClusterToPointInTime": ("cluster", "DBClusterIdentifier"),
}
"""What is made, and the parameter that names it."""
MONITORED = ("CreateDBInstance", "ModifyDBInstance", "CreateDBCluster", "ModifyDBCluster")


def install(cloud: Cloud) -> None:  # noqa: ARG001
    rds.handle_request = _asking(rds.handle_request)


def _asking(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    async def handling(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        parameters = app._routing_params(method, path, headers, body, query)
        key = extract_access_key_id(headers, query)
        for action, resource, conditions in _uses(parameters):
            caller = authorization.refused_caller(key, action, resource, get_region(), conditions)
            if caller:
                return iam_actions.access_denied_response(
                    "rds", action, caller, str(uuid.uuid4()), headers=headers, resource_arn=resource
                )
        return await stock(method, path, headers, body, query)

    return handling


def _uses(parameters: dict[str, Any]) -> Iterator[Use]:
    """What else a call needs: action, resource, condition keys."""
    action = rds._p(parameters, "Action")
    kind, name = MADE.get(action, ("", ""))
    if kind and (tags := rds._parse_tags(parameters)):
        scope = f"arn:aws:rds:{get_region()}:{get_account_id()}"
        requested = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
        keys = {"aws:TagKeys": [tag["Key"] for tag in tags]}
        resource = f"{scope}:{kind}:{rds._p(parameters, name)}"
        yield "rds:AddTagsToResource", resource, requested | keys
    if action in MONITORED and (role := rds._p(parameters, "MonitoringRoleArn")):
        yield "iam:PassRole", role, {"iam:PassedToService": "monitoring.rds.amazonaws.com"}
