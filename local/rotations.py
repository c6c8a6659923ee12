"""The rotations of all secrets: what may start one, what starts by itself, what ends one."""

from __future__ import annotations

import contextvars
import functools
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.core import responses
from ministack.core.responses import new_uuid
from ministack.services import secretsmanager

from local import rotation, rotation_schedule
from local.rotation import Rotation

if TYPE_CHECKING:
    from local.rotation_schedule import Clock

PATCHES: tuple[str, ...] = (
    *rotation.PATCHES,
    *rotation_schedule.PATCHES,
    "ministack.core.responses:_request_account_id",
    "ministack.core.responses:_request_region",
    "ministack.services.secretsmanager:_find_stage_version",
    "ministack.services.secretsmanager:_is_replica",
    "ministack.services.secretsmanager:_remove_stage_everywhere",
    "ministack.services.secretsmanager:_resolve",
    "ministack.services.secretsmanager:_secrets",
)

SETTINGS = ("RotationLambdaARN", "RotationRules")
STATE = ("RotationEnabled", "_EnabledDate")
UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."

logger = logging.getLogger("streamflix.rotation")

Record = dict[str, Any]


class Refused(Exception):
    """By Secrets Manager, with this code and sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Rotations:
    """Starts rotations: one of a secret at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._running: set[Rotation] = set()

    def rotate(self, request: Record) -> Record:
        """RotateSecret: refuse, or take over the settings and start, or test them."""
        secret = _found(request)
        wanted = Rotation(secret["ARN"], request.get("ClientRequestToken") or new_uuid())
        settings = {key: request.get(key) or secret.get(key) for key in SETTINGS}
        _check(settings, secret)
        at_once = request.get("RotateImmediately", True)
        with self._lock:
            unfinished = _begin(secret, wanted.token, resumable=at_once)
            before = {key: secret.get(key) for key in (*SETTINGS, *STATE)}
            enabled = before["_EnabledDate"] or int(self._clock.now())
            secret.update(settings, RotationEnabled=True, _EnabledDate=enabled)
        if at_once:
            if unfinished:
                self._start(wanted)
        elif problem := wanted.test():
            secret.update(before)
            raise Refused("InvalidRequestException", problem)
        return _named(secret, wanted.token)

    def _start(self, wanted: Rotation) -> None:
        """In the background, in the request's account and region."""
        with self._lock:
            if wanted in self._running:
                return
            self._running.add(wanted)
        run = functools.partial(contextvars.copy_context().run, self._run, wanted)
        threading.Thread(target=run, daemon=True).start()

    def _run(self, wanted: Rotation) -> None:
        try:
            wanted.run(self._clock.now)
        finally:
            self._running.discard(wanted)

    def start_what_is_due(self) -> None:
        now = self._clock.now()
        for (account, region, _), secret in secretsmanager._secrets.all_items():
            due = _next_date(secret, secret.get("_TriedDate", 0))
            if due is not None and due <= now:
                secret["_TriedDate"] = now
                contextvars.copy_context().run(self._scheduled, account, region, secret)

    def _scheduled(self, account: str, region: str, secret: Record) -> None:
        """Rotate; what an earlier rotation has left undone is done instead."""
        responses._request_account_id.set(account)
        responses._request_region.set(region)
        pending, version = secretsmanager._find_stage_version(secret, "AWSPENDING")
        token = pending if version and "AWSCURRENT" not in version["Stages"] else None
        try:
            self.rotate({"SecretId": secret["ARN"], "ClientRequestToken": token})
        except Refused as refusal:
            logger.warning("%s is due and does not rotate: %s", secret["ARN"], refusal)


def cancel(request: Record) -> Record:
    """CancelRotateSecret: what runs stops before its next step. Labels stay where they are."""
    secret = _found(request)
    secret.update(RotationEnabled=False, _EnabledDate=None)
    return _named(secret, secretsmanager._find_stage_version(secret, "AWSPENDING")[0])


def _begin(secret: Record, token: str, *, resumable: bool) -> bool:
    """Label an empty version. False when this rotation is over already."""
    other, pending = secretsmanager._find_stage_version(secret, "AWSPENDING")
    if other not in (None, token) and "AWSCURRENT" not in pending["Stages"]:
        raise Refused("InvalidRequestException", UNFINISHED)
    labels = secret["Versions"].get(token, {}).get("Stages")
    if labels is None:
        version = {"SecretString": None, "SecretBinary": None, "CreatedDate": int(time.time())}
        secret["Versions"][token] = version | {"Stages": ["AWSPENDING"]}
        secretsmanager._remove_stage_everywhere(secret, "AWSPENDING", token)
    elif not resumable or not {"AWSPENDING", "AWSCURRENT"} & {*labels}:
        raise Refused("InvalidRequestException", f"Version {token} exists already.")
    return labels is None or "AWSPENDING" in labels


def _found(request: Record) -> Record:
    _, secret = secretsmanager._resolve(request.get("SecretId"))
    if secret is None:
        told = "Secrets Manager can't find the specified secret."
        raise Refused("ResourceNotFoundException", told)
    if secret.get("DeletedDate") or secretsmanager._is_replica(secret):
        told = "You can't perform this operation on a replica, or on a secret marked for deletion."
        raise Refused("InvalidRequestException", told)
    found: Record = secret
    return found


def _check(settings: Record, secret: Record) -> None:
    function, rules = settings["RotationLambdaARN"], settings["RotationRules"]
    if not function:
        told = "No Lambda rotation function ARN is associated with this secret."
        raise Refused("InvalidRequestException", told)
    if problem := rotation_schedule.problem(rules) if rules else None:
        raise Refused("InvalidParameterException", problem)
    if not rotation.allowed(function, secret["ARN"]):
        raise Refused("AccessDeniedException", rotation.NOT_ALLOWED)


def _next_date(secret: Record, tried: float = 0) -> float | None:
    """A value that somebody else has put counts as a rotation."""
    if not secret.get("RotationEnabled") or secret.get("DeletedDate"):
        return None
    if secretsmanager._is_replica(secret):
        return None
    _, current = secretsmanager._find_stage_version(secret, "AWSCURRENT")
    rotated = secret.get("LastRotatedDate") or 0
    last = max(rotated, secret["_EnabledDate"], current["CreatedDate"] if current else 0, tried)
    return rotation_schedule.next_date(secret.get("RotationRules") or {}, last)


def dates(secret: Record) -> Record:
    """What DescribeSecret tells of the last and the next rotation while rotation is on."""
    last = secret.get("LastRotatedDate") if secret.get("RotationEnabled") else None
    told = {"LastRotatedDate": last, "NextRotationDate": _next_date(secret)}
    return {key: value for key, value in told.items() if value}


def _named(secret: Record, version: str | None) -> Record:
    named = {"ARN": secret["ARN"], "Name": secret["Name"]}
    return named | {"VersionId": version} if version else named
