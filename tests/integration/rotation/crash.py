"""Kills a rotation at every call that it makes, and looks at what is left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import redis

from rotation.ticket import STEPS
from tests.integration.seams import Point, Seams, in_child

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.rotation.conftest import Rig


def record(rig: Rig, login: str) -> list[Point]:
    """Every point of a clean rotation, which is not the first one of its login."""
    rig.rotate(login)
    token = rig.begin(login)

    def clean(write: Any) -> None:
        seams = Seams()
        seams.install()
        for step in STEPS:
            rig.step(login, token, step)
        write("\n".join(seams.names))

    status, told = in_child(clean)
    assert status == 0, f"a clean rotation of {login} failed"
    names = told.split("\n")
    return [
        Point(number, after, name) for number, name in enumerate(names) for after in (False, True)
    ]


@dataclass
class Aftermath:
    """What one kill has left."""

    point: Point
    place: str
    """What had happened since the last commit. Two rotations differ in how many versions they try
    before it, so that one number may be two places and one place two numbers."""
    current_logs_in: bool
    ladder_logs_in: bool
    converged: bool = False


def kill(rig: Rig, login: str, point: Point, *, cleared: bool) -> Aftermath | None:
    """Kill a rotation there, look, then recover: as Secrets Manager retries, with the same token,
    or as an operator who takes the label away and rotates anew.

    Returns nothing when this rotation was a call or two shorter than the recorded one.
    """
    token = rig.begin(login)

    def run(write: Any) -> None:
        Seams(point, write).install()
        for step in STEPS:
            write(f"{step}\n")
            rig.step(login, token, step)

    status, told = in_child(run)
    if status == 0:
        return None
    assert os.WIFSIGNALED(status), f"{login} failed before it reached {point}"
    rig.release_hold()
    current = accepted(rig, login, VersionStage="AWSCURRENT")
    stages = rig.stages(login)
    pending = "AWSPENDING" in stages and accepted(rig, login, VersionStage="AWSPENDING")
    left = Aftermath(point, _place(told), current, current or pending)
    if cleared and stages.get("AWSPENDING") == token:
        rig.clear_label(login, token)
    if cleared:
        token = rig.begin(login)
    rig.rotate(login, token)
    stages = rig.stages(login)
    left.converged = (
        stages["AWSCURRENT"] == token and "AWSPENDING" not in stages and accepted(rig, login)
    )
    return left


def _place(told: str) -> str:
    lines = told.split("\n")[:-1]
    commits = [number for number, line in enumerate(lines) if line == "after commit"]
    return ", ".join(lines[commits[-1] if commits else 0 :])


def kill_everywhere(rig: Rig, login: str, *, cleared: bool) -> Iterator[Aftermath]:
    """At one call after the other, until a rotation ends before the next one: the more versions
    there are, the more pages their list has, so the last rotation is longer than the recorded."""
    for number in count():
        for after in (False, True):
            left = kill(rig, login, Point(number, after, ""), cleared=cleared)
            if left is None:
                return
            yield left


def accepted(rig: Rig, login: str, **which: str) -> bool:
    """Whether a bare client gets in with this version."""
    try:
        value = rig.value(login, **which)
    except rig.vault.exceptions.ResourceNotFoundException:
        return False
    except KeyError:
        return False
    if not login.startswith("redis/"):
        return rig.accepts(login, **which)
    try:
        return all(rig.laptop.redis(value["password"], node=node).ping() for node in range(3))
    except redis.exceptions.AuthenticationError:
        return False
