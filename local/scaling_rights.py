"""What Application Auto Scaling makes sure of before it takes a cluster: that its caller may do all
that scaling does.

AWS tries, in the caller's name and without effect: an instance without a name is created and
deleted, one of no account is tagged, an alarm without a name is put. So a caller needs these rights
on names that nothing has. `aws:ViaAWSService` tells such a call from one of the caller's own.
"""

from __future__ import annotations

from ministack.core.responses import get_account_id, get_region

from local import authorization

PATCHES: tuple[str, ...] = (
    "ministack.core.iam_evaluator:EvalContext",
    "ministack.core.iam_evaluator:resolve_principal",
)

IN_THEIR_NAME = {"aws:ViaAWSService": "true"}


def lacking(access_key: str, cluster: str) -> list[str]:
    """The actions that the key's owner may not do; none for the account's root."""
    region = get_region()
    scope = f"arn:aws:rds:{region}:{get_account_id()}"
    needed = {
        "rds:CreateDBInstance": f"{scope}:db:",
        "rds:DeleteDBInstance": f"{scope}:db:",
        "rds:AddTagsToResource": f"arn:aws:rds:{region}:12345:db:non-existing-db",
        "rds:DescribeDBClusters": f"{scope}:cluster:{cluster}",
        "rds:DescribeDBInstances": f"{scope}:db:*",
        "cloudwatch:PutMetricAlarm": "*",
        "cloudwatch:DescribeAlarms": "*",
        "cloudwatch:DeleteAlarms": "*",
    }
    return [
        action
        for action, resource in needed.items()
        if authorization.refused_caller(access_key, action, resource, region, IN_THEIR_NAME)
    ]
