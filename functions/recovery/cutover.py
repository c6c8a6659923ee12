"""The restore workflow calls this when a copy takes over, and when it becomes the stack's own."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from recovery import blueprint, event_bus, lease, steps
from recovery.errors import CopyIncomplete, NotConfirmed, Overtaken
from recovery.restores import (
    ADOPTED,
    COMPLETE,
    FENCED,
    TURNED,
    Restores,
    refuse_failed,
    refuse_shrunk,
    refuse_turned,
)
from recovery.settings import CutoverSettings
from recovery.surroundings import Surroundings
from recovery.table import Table
from recovery.takeover import Takeover
from streamflix import hold, log, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from recovery.restores import Restore
    from streamflix.deadline import Context

logger = log.get("recovery")

SERVES_NOBODY = {
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "stopped",
    "stopping",
}


@dataclass(frozen=True, slots=True)
class Doors:
    """What lies outside of this process."""

    env: CutoverSettings
    restores: Restores
    takeover: Takeover
    surroundings: Surroundings
    now: Callable[[], float] = time.time


@log.handler(logger)
def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:  # noqa: ARG001
    """Run one step of one cutover, or of its adoption.

    Event: ``{"run": name, "step": pause | fence | turn | tell | resume | readers | undo}``;
    `fence` takes ``"measured"``, `turn` ``"replayed"`` and ``"migrated"``, as `restore.report`
    does. For an adoption ``{"run": name of the cutover, "step": settle | aside | in | finish}``;
    `settle` takes ``"input": {"confirm": resource id of the cluster in service}`` as its run.
    Returns what the next step needs. Raises: `NotConfirmed`, `BadTask`, `CopyIncomplete`,
    `TakenBack`, `Overtaken` (permanent); `CopyNotReady`, `AwsRefused`, `EnvironmentHeld`,
    `RecordUnreachable` (retryable). Every step looks first and may be repeated or interrupted
    anywhere.
    """
    return steps.take(
        STEPS, event, lambda: doors(settings.cached(CutoverSettings)), nameless="settle"
    )


@cache
def doors(env: CutoverSettings) -> Doors:
    takeover = Takeover(env.cluster_id, env.quarantine_group_id)
    return Doors(env, Restores(Table(env.incidents_table)), takeover, Surroundings(env))


def pause(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Stop who would write, or grow, while clusters change. AWS needs its time for it, and the copy
    is made meanwhile."""
    _going_on(run, doors)
    doors.surroundings.pause()
    return {}


def fence(run: str, event: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Refuse a copy that is not what anybody wants; then let nobody new at the old cluster."""
    restore = _going_on(run, doors)
    refuse_turned(restore)
    old, measured = doors.takeover.known(restore.replaced), event["measured"]
    if restore.fenced_at is None:
        refuse_shrunk(int(measured["accounts"]), doors.restores)
        restore = doors.restores.advance(
            restore,
            FENCED,
            fenced_at=doors.now(),
            groups=_groups(restore, old, doors),
            protected=bool(old.get("DeletionProtection")),
            epoch=doors.surroundings.epoch() + 1,
            accounts=int(measured["accounts"]),
            rpo_seconds=_missing(restore, measured["beatenAt"], doors.now()),
        )
    refuse_failed(restore)
    if old["Status"] not in SERVES_NOBODY:  # and takes no changes
        doors.takeover.dress(old, [doors.env.quarantine_group_id])
    return {"address": f"{old['Endpoint']}:{old['Port']}", "epoch": restore.epoch}


def turn(run: str, event: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Lead everybody to the copy. From here on there is no way back, only on."""
    restore = _going_on(run, doors)
    if restore.turned_at is None:
        copy = doors.takeover.clusters.cluster(restore.copy)
        if copy is None:
            raise CopyIncomplete(f"{restore.copy} is gone")
        restore = doors.restores.advance(
            restore,
            TURNED,
            turned_at=doors.now(),
            fenced=bool(event.get("fenced", True)),
            replacement=copy["DbClusterResourceId"],
            accounts_erased=int(event["replayed"]["accounts"]),
            schema_version=int(event["migrated"]["schemaVersion"]),
        )
    refuse_failed(restore)
    copy = doors.takeover.known(restore.replacement)
    doors.takeover.serve(copy, restore.groups, protected=restore.protected)
    doors.surroundings.lead_to(copy, restore.epoch or 0)
    return {"address": f"{copy['Endpoint']}:{copy['Port']}", "epoch": restore.epoch}


def tell(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """The application is let in: what was lost, and for how long, is on record and told. For how
    long the database was away, the probe measures."""
    restore, now = doors.restores.known(run), doors.now()
    took = round(now - restore.started_at, 3)
    ended = doors.restores.end(restore, outcome="passed", ended_at=now, rto_seconds=took)
    if not ended.fenced:
        logger.warning("sessions may go on in the replaced database", extra={"run": run})
    numbers = {"rtoSeconds": ended.rto_seconds, "rpoSeconds": ended.rpo_seconds}
    event_bus.tell(doors.env.ops_bus, "CutoverCompleted", {"run": run, **numbers})
    return dict(numbers)


def resume(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """The tip of the stream was reached: what Lambda hands over again is counted already."""
    _going_on(run, doors)
    doors.surroundings.resume_stream()
    return {}


def readers(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """One instance was enough to be back; now it survives the loss of a zone again. What is on
    record as complete is adopted next: it has let go of the hold."""
    restore = _going_on(run, doors)
    doors.takeover.add_readers(restore)
    hold.release(doors.env.hold_table, run)
    doors.restores.advance(restore, COMPLETE, complete_at=doors.now())
    return {}


def undo(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """What can be taken back of a cutover that failed: all, before its turn; nothing, after it."""
    restore = doors.restores.of(run)
    if restore is None or restore.adopted_at is not None:
        return {"reached": "nothing", "address": ""}
    if restore.turned_at is not None:
        return {"reached": "turned", "address": ""}
    # Whoever holds it has paused, and fenced, by now.
    lease.take(doors.env.hold_table, run, "cutover")
    old = doors.takeover.source()
    if doors.restores.unadopted() or old["DbClusterResourceId"] != restore.replaced:
        return {"reached": "nothing", "address": ""}  # another one took over since
    doors.surroundings.resume_stream()
    doors.surroundings.resume_scaling()
    if restore.fenced_at is None:
        return {"reached": "paused", "address": ""}
    doors.takeover.dress(old, restore.groups)
    return {"reached": "fenced", "address": f"{old['Endpoint']}:{old['Port']}"}


def settle(_: str, event: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Find what is to be adopted, and refuse who does not name it."""
    restore = doors.restores.unadopted()
    if restore is None:
        raise NotConfirmed("no cutover waits to be adopted")
    if restore.complete_at is None:
        raise NotConfirmed(f"{restore.run} is not complete: make cutover RUN={restore.run} goes on")
    asked = (event.get("input") or {}).get("confirm")
    if asked != restore.replacement:
        raise NotConfirmed(f"confirm {asked!r} is not the cluster in service; make adopt asks it")
    _hold_adoption(restore, doors)
    return {"run": restore.run}


def aside(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    restore = doors.restores.known(run)
    _hold_adoption(restore, doors)
    old = doors.takeover.known(restore.replaced)
    doors.takeover.step_aside(old, restore.aside_name(doors.env.cluster_id))
    return {}


def step_in(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """The cluster's name first, and the book's pages with it: the address of before is gone."""
    restore = doors.restores.known(run)
    _hold_adoption(restore, doors)
    doors.takeover.step_in(doors.takeover.known(restore.replacement))
    new = doors.takeover.known(restore.replacement)
    doors.surroundings.lead_to(new, restore.epoch or 0)
    doors.takeover.name_members(new, restore.copy)
    return {}


def finish(run: str, _: Mapping[str, Any], doors: Doors) -> dict[str, Any]:
    """Put on record last, when nothing is left to be done, not even to let go of the hold: another
    adoption goes on with what is not on record, and with nothing else."""
    restore = doors.restores.known(run)
    if restore.waits_for_adoption:
        _hold_adoption(restore, doors)
        new = doors.takeover.known(restore.replacement)
        doors.takeover.finish(doors.takeover.known(restore.replaced), new, restore.groups)
        doors.surroundings.resume_scaling()
        # What Describe says of an address right after a rename may be the one of before.
        doors.surroundings.lead_to(doors.takeover.known(restore.replacement), restore.epoch or 0)
        event_bus.tell(doors.env.ops_bus, "CutoverAdopted", {"run": run})
        hold.release(doors.env.hold_table, _token(restore))
        doors.restores.advance(restore, ADOPTED, adopted_at=doors.now())
    return {"replaced": restore.aside_name(doors.env.cluster_id)}


def _going_on(run: str, doors: Doors) -> Restore:
    """The run, when it may take one more step. Raises: `Overtaken` when it is over."""
    restore = doors.restores.known(run)
    if restore.adopted_at is not None:
        raise Overtaken(run)
    lease.take(doors.env.hold_table, run, "cutover")
    return restore


def _missing(restore: Restore, beaten_at: float, fenced_at: float) -> float:
    """Without a target, what is written until the fence should be there, and is not."""
    until = fenced_at if restore.target_at is None else restore.target_at
    return replace(restore, target_at=until).missing(beaten_at)


def _groups(restore: Restore, old: Mapping[str, Any], doors: Doors) -> tuple[str, ...]:
    """The security groups of the cluster in service. One whose cutover died behind its fence wears
    the quarantine alone: then as that one found it. Raises: `NotConfirmed` when nobody did."""
    worn = blueprint.worn(old) - {doors.env.quarantine_group_id}
    if worn:
        return tuple(sorted(worn))
    for each in doors.restores.all():
        if each.replaced == restore.replaced and each.groups:
            return each.groups
    raise NotConfirmed("the cluster is in quarantine already; its own security groups are unknown")


def _hold_adoption(restore: Restore, doors: Doors) -> None:
    lease.take(doors.env.hold_table, _token(restore), "adopt")


def _token(restore: Restore) -> str:
    """Of the cutover and not of the execution: whoever goes on with an adoption that died may."""
    return f"adopt-{restore.run}"


STEPS: Mapping[str, Callable[[str, Mapping[str, Any], Doors], dict[str, Any]]] = {
    "pause": pause,
    "fence": fence,
    "turn": turn,
    "tell": tell,
    "resume": resume,
    "readers": readers,
    "undo": undo,
    "settle": settle,
    "aside": aside,
    "in": step_in,
    "finish": finish,
}
