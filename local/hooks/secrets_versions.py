"""Gap: any version of a secret can be read and written over, and one that loses its labels is gone.

Here a version without a value cannot be read and takes one value, once; a label is on one version
at a time; a version without labels stays readable by its id and is listed on request.

Not emulated: Secrets Manager deletes versions without labels some day; here they stay.

Test: tests/contract/local/test_secrets_versions.py
"""

from __future__ import annotations

import functools
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import secretsmanager

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.context import Cloud

    Record = dict[str, Any]
    Answer = tuple[int, dict[str, str], bytes]
    Action = Callable[[Record], Answer]

PATCHES: tuple[str, ...] = (
    "ministack.services.secretsmanager:_apply_current_promotion",
    "ministack.services.secretsmanager:_find_stage_version",
    "ministack.services.secretsmanager:_get_secret_value",
    "ministack.services.secretsmanager:_list_secret_version_ids",
    "ministack.services.secretsmanager:_put_secret_value",
    "ministack.services.secretsmanager:_remove_stage_everywhere",
    "ministack.services.secretsmanager:_resolve",
    "ministack.services.secretsmanager:_update_secret_version_stage",
)
TYPES: tuple[str, ...] = ()

VALUE = ("SecretString", "SecretBinary")


def install(cloud: Cloud) -> None:  # noqa: ARG001
    put = _keeping_labels_apart(secretsmanager._put_secret_value)
    secretsmanager._put_secret_value = _after(_unwritable, put)
    secretsmanager._get_secret_value = _after(_unreadable, secretsmanager._get_secret_value)
    update = secretsmanager._update_secret_version_stage
    secretsmanager._update_secret_version_stage = _after(_immovable, update)
    secretsmanager._list_secret_version_ids = _listing(secretsmanager._list_secret_version_ids)
    promote = secretsmanager._apply_current_promotion
    secretsmanager._apply_current_promotion = _keeping_versions(promote)


def empty(version: Record) -> bool:
    return all(version.get(key) is None for key in VALUE)


def _after(check: Callable[[Record, Record], Answer | None], stock: Action) -> Action:
    """The stock action, unless the check has an answer."""

    @functools.wraps(stock)
    def run(request: Record) -> Answer:
        _, secret = secretsmanager._resolve(request.get("SecretId"))
        answer = check(secret, request) if secret and not secret.get("DeletedDate") else None
        return answer or stock(request)

    return run


def _unreadable(secret: Record, request: Record) -> Answer | None:
    identity, label = request.get("VersionId"), request.get("VersionStage")
    if identity:
        version = secret["Versions"].get(identity)
    else:
        _, version = secretsmanager._find_stage_version(secret, label or "AWSCURRENT")
    if version is None:
        return None
    if identity and label and label not in version["Stages"]:
        told = "You provided a VersionStage that is not associated to the provided VersionId."
        return _refusal("InvalidRequestException", told)
    if empty(version):
        which = f"VersionId: {identity}" if identity else f"staging label: {label or 'AWSCURRENT'}"
        told = f"Secrets Manager can't find the specified secret value for {which}"
        return _refusal("ResourceNotFoundException", told)
    return None


def _unwritable(secret: Record, request: Record) -> Answer | None:
    """A version that has a value keeps it: the same once more is no change, another is refused."""
    identity = request.get("ClientRequestToken")
    version = secret["Versions"].get(identity)
    if version is None or empty(version):
        return None
    if any(version.get(key) != request.get(key) for key in VALUE):
        told = "A resource with the ID you requested already exists."
        return _refusal("ResourceExistsException", told)
    told_labels = {"VersionId": identity, "VersionStages": version["Stages"]}
    answer: Answer = json_response({"ARN": secret["ARN"], "Name": secret["Name"]} | told_labels)
    return answer


def _keeping_labels_apart(stock: Action) -> Action:
    @functools.wraps(stock)
    def run(request: Record) -> Answer:
        _, secret = secretsmanager._resolve(request.get("SecretId"))
        known = secret and secret["Versions"].get(request.get("ClientRequestToken"))
        had = list(known["Stages"]) if known else []
        answer = stock(request)
        if answer[0] != HTTPStatus.OK:
            return answer
        told = json.loads(answer[2])
        version = secret["Versions"][told["VersionId"]]
        version["Stages"] = list(dict.fromkeys([*had, *version["Stages"]]))
        for label in version["Stages"]:
            secretsmanager._remove_stage_everywhere(secret, label, told["VersionId"])
        with_labels: Answer = json_response(told | {"VersionStages": version["Stages"]})
        return with_labels

    return run


def _immovable(secret: Record, request: Record) -> Answer | None:
    label, taker = request.get("VersionStage"), request.get("MoveToVersionId")
    if label == "AWSCURRENT" and not taker:
        told = (
            "You can only move staging label AWSCURRENT to a different secret version. "
            "It can't be completely removed."
        )
        return _refusal("InvalidParameterException", told)
    version = secret["Versions"].get(taker)
    if (
        version
        and label in version["Stages"]
        and request.get("RemoveFromVersionId") in (None, taker)
    ):
        answer: Answer = json_response({"ARN": secret["ARN"], "Name": secret["Name"]})
        return answer  # nothing moves, so no event tells of it
    return None


def _listing(stock: Action) -> Action:
    @functools.wraps(stock)
    def run(request: Record) -> Answer:
        answer = stock(request)
        if answer[0] != HTTPStatus.OK:
            return answer
        told = json.loads(answer[2])
        versions = [
            {key: value for key, value in version.items() if value != []}
            for version in told["Versions"]
            if version["VersionStages"] or request.get("IncludeDeprecated")
        ]
        listed: Answer = json_response(told | {"Versions": versions})
        return listed

    return run


def _keeping_versions(stock: Callable[[Record, str], None]) -> Callable[[Record, str], None]:
    @functools.wraps(stock)
    def run(secret: Record, promoted: str) -> None:
        before = dict(secret["Versions"])
        stock(secret, promoted)
        secret["Versions"].update(before | secret["Versions"])

    return run


def _refusal(code: str, message: str) -> Answer:
    answer: Answer = error_response_json(code, message, HTTPStatus.BAD_REQUEST)
    return answer
