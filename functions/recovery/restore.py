"""The restore workflow calls this for every step that goes through AWS's APIs."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from recovery import event_bus, lease, steps
from recovery.clusters import Clusters
from recovery.errors import NotAdopted, NotConfirmed, RotationHalfway
from recovery.restores import TURNED, Restore, Restores, refuse_failed, refuse_shrunk, refuse_turned
from recovery.settings import RestoreSettings
from recovery.table import Table
from streamflix import aws, hold, log, metrics, settings
from streamflix.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamflix.deadline import Context

logger = log.get("recovery")


@dataclass(frozen=True, slots=True)
class Doors:
    """What lies outside of this process."""

    env: RestoreSettings
    restores: Restores
    clusters: Clusters
    now: Callable[[], float] = time.time


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001
    """Run one step of one restore.

    Event: ``{"run": name, "step": begin | restore | instance | master | report | fail | clean}``;
    `begin` takes ``"input": {"mode": drill | cutover, "target": RFC 3339 or "latest"}`` as well, of
    a cutover with ``"confirm": resource id`` of the cluster that it replaces; `report`
    ``"measured": {"beatenAt": s, "accounts": n}`` and ``"replayed"``, ``"migrated"`` as the other
    rooms returned them; `fail` ``"error"``.
    Returns what the next step needs. Raises: `NotConfirmed`, `NotAdopted`, `BadTask`,
    `CopyIncomplete`, `TakenBack`, `Overtaken` (permanent); `CopyNotReady`, `AwsRefused`,
    `RotationHalfway`, `EnvironmentHeld`, `RecordUnreachable` (retryable). Every step looks first
    and may be repeated or interrupted anywhere.
    """
    return steps.take(STEPS, event, lambda: doors(settings.cached(RestoreSettings)))


@cache
def doors(env: RestoreSettings) -> Doors:
    clusters = Clusters(env.cluster_id, [env.quarantine_group_id])
    return Doors(env, Restores(Table(env.incidents_table)), clusters)


def begin(run: str, event: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Refuse, or take the hold and put the run on record; take away what older runs have left."""
    asked = _asked(run, event.get("input") or {}, doors)  # refuses before anything is begun
    known = doors.restores.of(run)
    if known is not None:
        _refuse_over(asked, known)
    if known is None or known.turned_at is None:
        _refuse_replaced(asked, doors)
    if known is None and asked.mode == "drill":  # in earnest nobody waits: it is ended in the copy
        _refuse_halfway(doors.env.secret_arns)
    lease.take(doors.env.hold_table, run, asked.mode)
    if asked.mode == "drill":
        _tidy(run, doors)
    restore = known or doors.restores.begin(replace(asked, started_at=doors.now()))
    turned = restore.turned_at is not None
    return {"targetTime": _time(restore.objective_at), "mode": restore.mode, "turned": turned}


def _tidy(run: str, doors: Doors) -> None:
    """Take away what other runs have left. Whoever waits for the database does not wait for it."""
    for name, mark in doors.clusters.copies():
        if mark != run:  # whoever holds knows that nobody else is at work
            logger.warning("left by another run", extra={"copy": name, "run": mark})
            doors.clusters.remove(name)
    for name in _expired(doors):
        doors.clusters.remove(name)


def restore_volume(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    doors.clusters.restore(_held(run, doors))
    return {}


def add_instance(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    return {"address": doors.clusters.add_instance(_held(run, doors))}


def set_master(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """The password that Secrets Manager calls current now, whatever it was at the target time."""
    restore = _held(run, doors)
    login = Secret(doors.env.master_secret_arn).current()
    doors.clusters.set_master_password(restore, login.password)
    return {}


def report(run: str, event: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Put on record what was measured, publish and tell it."""
    restore = doors.restores.known(run)
    measured = event["measured"]
    refuse_failed(restore)
    if not restore.outcome:
        refuse_shrunk(int(measured["accounts"]), doors.restores)
    now = doors.now()
    ended = doors.restores.end(
        restore,
        outcome="passed",
        ended_at=now,
        rto_seconds=round(now - restore.started_at, 3),
        rpo_seconds=restore.missing(measured["beatenAt"]),
        accounts=int(measured["accounts"]),
        accounts_erased=int(event["replayed"]["accounts"]),
        schema_version=int(event["migrated"]["schemaVersion"]),
    )
    numbers = {
        "RestoreDrillRtoSeconds": ended.rto_seconds or 0.0,
        "RestoreDrillRpoSeconds": ended.rpo_seconds or 0.0,
    }
    metrics.publish(doors.env.environment, numbers)
    told = {"run": run, "rtoSeconds": ended.rto_seconds, "rpoSeconds": ended.rpo_seconds}
    event_bus.tell(doors.env.ops_bus, "RestoreDrillPassed", told)
    return {"rtoSeconds": ended.rto_seconds, "rpoSeconds": ended.rpo_seconds}


def fail(run: str, event: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Put on record that it failed; what was refused before it began has no record, and a cutover
    beyond its turn is on its way: it goes on."""
    error = str(event.get("error") or "unknown")
    restore = doors.restores.of(run)
    told = {"run": run, "error": error}
    while restore is not None and restore.stage < TURNED:  # until it is, or has turned meanwhile
        restore = doors.restores.end(restore, outcome="failed", reason=error, ended_at=doors.now())
    if (restore.mode if restore else event.get("mode")) == "cutover":
        event_bus.tell(doors.env.ops_bus, "CutoverFailed", told)
    else:
        metrics.publish(doors.env.environment, {"RestoreDrillFailures": 1})
        event_bus.tell(doors.env.ops_bus, "RestoreDrillFailed", told)
    return {"error": error}


def clean(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Leave nothing that is billed, then let others at the credentials again."""
    restore = doors.restores.of(run)
    for name, mark in doors.clusters.copies():  # one that serves has no mark any more
        if mark == run:
            doors.clusters.remove(name)
    hold.release(doors.env.hold_table, run)
    return {"outcome": restore.outcome if restore else "refused"}


def _held(run: str, doors: Doors) -> Restore:
    restore = doors.restores.known(run)
    refuse_turned(restore)
    lease.take(doors.env.hold_table, run, restore.mode)
    return restore


def _asked(run: str, asked: Mapping[str, Any], doors: Doors) -> Restore:
    mode, target = asked.get("mode"), str(asked.get("target") or "latest")
    if mode not in {"drill", "cutover"}:
        raise NotConfirmed(f"mode {mode!r} is none; drill, cutover and adopt are")
    replaced = str(asked.get("confirm") or "") if mode == "cutover" else ""
    if mode == "cutover" and not replaced:
        raise NotConfirmed("a cutover is confirmed with the resource id of the cluster it replaces")
    now = doors.now()
    digits = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d%H%M%S")
    at = None if target == "latest" else _moment(target)
    copy = f"{doors.env.cluster_id}-r{digits}"
    return Restore(run, mode, now, copy, at, replaced=replaced)


def _refuse_over(asked: Restore, known: Restore) -> None:
    """Only what was asked for in the same words, and is not over, goes on."""
    if (known.mode, known.replaced) != (asked.mode, asked.replaced):
        raise NotConfirmed(f"{known.run} was begun with another mode or another cluster")
    refuse_failed(known)
    if known.adopted_at is not None:  # it would lead everybody back to it, whatever came since
        raise NotConfirmed(f"{known.run} is over and adopted; begin another")


def _refuse_replaced(asked: Restore, doors: Doors) -> None:
    """The stack's names must belong to what is in service, and that to what was confirmed."""
    if waiting := doors.restores.unadopted():
        raise NotAdopted(f"{waiting.run} took over and was not adopted")
    if asked.mode == "cutover":
        source = doors.clusters.cluster(doors.env.cluster_id) or {}
        if source.get("DbClusterResourceId") != asked.replaced:
            raise NotConfirmed(f"{asked.replaced} is not the cluster in service")


def _expired(doors: Doors) -> list[str]:
    """Clusters that were replaced long enough ago."""
    until = doors.now() - doors.env.quarantine_days * 86_400
    source = doors.env.cluster_id
    return [
        name
        for each in doors.restores.all()
        if each.adopted_at is not None and each.adopted_at < until
        if doors.clusters.cluster(name := each.aside_name(source)) is not None
    ]


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotConfirmed(f"target {text!r} is no time; RFC 3339 or latest is") from None
    if moment.tzinfo is None:
        raise NotConfirmed(f"target {text!r} has no time zone")
    return moment.timestamp()


def _refuse_halfway(arns: tuple[str, ...]) -> None:
    manager = aws.client("secretsmanager")
    for arn in arns:
        stages = manager.describe_secret(SecretId=arn).get("VersionIdsToStages", {}).values()
        if any("AWSPENDING" in each and "AWSCURRENT" not in each for each in stages):
            raise RotationHalfway(arn.rpartition(":")[2])


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


STEPS: Mapping[str, Callable[[str, Mapping[str, Any], Doors], dict[str, Any]]] = {
    "begin": begin,
    "restore": restore_volume,
    "instance": add_instance,
    "master": set_master,
    "report": report,
    "fail": fail,
    "clean": clean,
}
