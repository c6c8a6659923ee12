"""Gap: a backup job is complete at once, but its recovery point is nowhere to be found.

Here each job leaves the record of a recovery point, named as its service names it and under the key
that would encrypt it. It can be listed, described and deleted, and a vault that holds one is not
deleted. There is no data in it. A lifecycle ends nothing, and a vault's policy is not asked.

Test: tests/contract/local/test_recovery_points.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import backup
from ministack.services.cloudformation import provisioners

from local import recovery_point

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from local.context import Cloud

    Answer = tuple[int, dict[str, str], bytes]
    Handler = Callable[..., Coroutine[Any, Any, Answer]]

PATCHES: tuple[str, ...] = (
    *recovery_point.PATCHES,
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.services.backup:_delete_vault",
    "ministack.services.backup:_describe_recovery_point",
    "ministack.services.backup:_err",
    "ministack.services.backup:_jobs",
    "ministack.services.backup:_list_recovery_points_by_vault",
    "ministack.services.backup:_no_content",
    "ministack.services.backup:_not_found",
    "ministack.services.backup:_ok",
    "ministack.services.backup:_paginate",
    "ministack.services.backup:_start_job",
    "ministack.services.backup:_vaults",
    "ministack.services.backup:handle_request",
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
)
TYPES: tuple[str, ...] = ("AWS::Backup::BackupVault",)

_points = AccountRegionScopedDict()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    backup._start_job = _keeping(backup._start_job)
    backup._list_recovery_points_by_vault = _list_by_vault
    backup._describe_recovery_point = _describe
    backup._delete_vault = _refusing_full_ones(backup._delete_vault)
    backup.handle_request = _with_more_routes(backup.handle_request)
    handler = provisioners._RESOURCE_HANDLERS[TYPES[0]]
    handler["delete"] = _failing_with_full_ones(handler["delete"])


def _keeping(stock: Callable[[dict[str, Any]], Answer]) -> Callable[[dict[str, Any]], Answer]:
    @functools.wraps(stock)
    def start(request: dict[str, Any]) -> Answer:
        service = request.get("ResourceArn", "::::").split(":")[2]
        if service not in recovery_point.KINDS:
            other: Answer = backup._err("InvalidParameterValueException", "Unsupported resource.")
            return other
        status, headers, body = stock(request)
        if status != 200:
            return status, headers, body
        answer = json.loads(body)
        job = backup._jobs[answer["BackupJobId"]]
        job |= {
            "ResourceType": recovery_point.KINDS[service],
            "RecoveryPointArn": recovery_point.arn(service, job),
        }
        _points[job["RecoveryPointArn"]] = recovery_point.point(job, request)
        started: Answer = backup._ok(answer | {"RecoveryPointArn": job["RecoveryPointArn"]})
        return started

    return start


def _list_by_vault(vault: str, query: dict[str, str]) -> Any:
    if vault not in backup._vaults:
        return backup._not_found(f"Vault '{vault}' not found.")
    held = [point for point in _points.values() if point["BackupVaultName"] == vault]
    return backup._paginate(
        [p for p in held if recovery_point.wanted(p, query)], query, "RecoveryPoints"
    )


def _list_by_resource(resource: str, query: dict[str, str]) -> Any:
    its = [point for point in _points.values() if point["ResourceArn"] == resource]
    return backup._paginate(its, query, "RecoveryPoints")


def _describe(vault: str, arn: str) -> Any:
    point = _points.get(unquote(arn))
    if point is None or point["BackupVaultName"] != vault:
        return backup._not_found(f"Recovery point '{unquote(arn)}' not found.")
    return backup._ok(point)


def _delete(vault: str, arn: str) -> Any:
    status, headers, body = _describe(vault, arn)
    if status != 200:
        return status, headers, body
    del _points[unquote(arn)]
    backup._vaults[vault]["NumberOfRecoveryPoints"] -= 1
    return backup._no_content()


def _forget_policy(vault: str) -> Any:
    if not backup._vaults.get(vault, {}).pop("AccessPolicy", None):
        return backup._not_found(f"No access policy is associated with vault '{vault}'.")
    return backup._no_content()


def _refusal(vault: str) -> str:
    count = sum(1 for point in _points.values() if point["BackupVaultName"] == vault)
    return f"Backup vault cannot be deleted (contains {count} recovery points)" if count else ""


def _refusing_full_ones(stock: Callable[[str], Answer]) -> Callable[[str], Answer]:
    @functools.wraps(stock)
    def delete(vault: str) -> Answer:
        if message := _refusal(vault):
            refused: Answer = backup._err("InvalidRequestException", message)
            return refused
        return stock(vault)

    return delete


def _failing_with_full_ones(stock: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(stock)
    def delete(vault: str, properties: dict[str, Any]) -> None:
        if message := _refusal(vault):
            raise ValueError(message)
        stock(vault, properties)

    return delete


def _with_more_routes(stock: Handler) -> Handler:
    @functools.wraps(stock)
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        given = {k: v[0] if isinstance(v, list) else v for k, v in query.items()}
        match method, path.strip("/").split("/"):
            case "DELETE", ["backup-vaults", vault, "recovery-points", *arn]:
                return _delete(vault, "/".join(arn))
            case "DELETE", ["backup-vaults", vault, "access-policy"]:
                return _forget_policy(vault)
            case "GET", ["resources", *arn, "recovery-points"]:
                return _list_by_resource(unquote("/".join(arn)), given)
            case _:
                return await stock(method, path, headers, body, query)

    return handle
