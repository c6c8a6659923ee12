"""What nobody can take back, and how people get out of it: by a cutover to the moment before."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from chaos import cluster
from chaos.faults import Fault, NotAnswered, NotInjected
from chaos.session import Session
from demo import restores, rotation
from demo.platform import CannotPlay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chaos.faults import Stage
    from demo.platform import Platform
    from demo.restores import Execution

BEFORE_S: Final = 1.0
"""A person knows to the second when it happened, and goes back to the one before."""
RESTORABLE_WITHIN_S: Final = 120.0
CUTOVER_WITHIN_S: Final = 300.0
ADOPTION_WITHIN_S: Final = 120.0
LOOK_S: Final = 0.2
SAID_EVERY_S: Final = 10.0
DROP: Final = "SET ROLE catalog_owner; DROP SCHEMA catalog CASCADE"
AT_ONCE: Final = "-c lock_timeout=1s"
IS_THERE: Final = "SELECT to_regclass('catalog.title') IS NOT NULL"
CHANGED_HANDS: Final = ("analytics", "app")
"""Two kinds of login: with a twin, and single. The copy knows neither's new password."""
PHASES: Final = {
    "Restore": "a copy is restored beside it",
    "Fence": "the old database lets nobody in any more",
    "Turn": "the address book leads to the copy",
    "Tell": "the application has been let in",
    "CountEvents": "events since are counted again, and nobody else may count",
    "ResumeStream": "the consumer goes on",
}


class TableDropped(Fault):
    """Somebody drops the catalogue's schema as its owner; people turn to the moment before."""

    def __init__(self) -> None:
        self._rescue: Rescue | None = None

    def inject(self, stage: Stage) -> str:
        if waiting := restores.unadopted(stage.platform):
            raise NotInjected(f"{waiting['run']} is not adopted yet: make adopt comes first")
        self._rescue = Rescue(stage, math.floor(time.time()) - BEFORE_S)
        _as_master(stage.platform, DROP)
        self.given_up = (self._rescue.target, time.time())
        return "as catalog_owner: DROP SCHEMA catalog CASCADE"

    def answer(self, stage: Stage) -> None:
        """Raises: `NotAnswered`."""
        assert self._rescue is not None
        if stage.patient:
            self._rescue.rotate()
        self._rescue.cut_over()

    def heal(self, stage: Stage) -> str:
        """Go on with whatever was interrupted, until the platform is whole.

        Raises: `NotAnswered`.
        """
        rescue = self._rescue
        if rescue is None or not (rescue.begun or _is_dropped(stage.platform)):
            return ""
        if not rescue.ended:
            stage.say("First this is brought to its end, so that the platform is whole.")
        try:
            rescue.cut_over()
            words = rescue.adopt()
        except BaseException:
            stage.say(rescue.remedy)
            raise
        self._rescue = None
        return words


class Rescue:
    """A person's way back. Each method does what is left of it, and may be called again."""

    def __init__(self, stage: Stage, target: float) -> None:
        self.target = target
        self._stage = stage
        self._run = f"game-day-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        self._cutover: Execution | None = None
        self._adoption: Execution | None = None
        self.ended = False
        """Whether the cutover has ended well."""

    @property
    def begun(self) -> bool:
        return self._cutover is not None

    @property
    def remedy(self) -> str:
        again = f"RUN={self._run}" if self.begun else f"TARGET={_words(self.target)}"
        return f"Not whole yet. If nothing more is said: make cutover {again}, then make adopt."

    def rotate(self) -> None:
        """The copy is restored with passwords that are none any more. Raises: `NotAnswered`."""
        vault = self._stage.platform.client("secretsmanager")
        for login in CHANGED_HANDS:
            arn = self._stage.platform.outputs[rotation.OUTPUTS[login]]
            try:
                rotation.rotate(vault, arn, login)
            except CannotPlay as error:
                raise NotAnswered(str(error)) from None
            self._stage.note(f"login {login} has a new password")

    def cut_over(self) -> None:
        """Returns when every event is counted again. Raises: `NotAnswered`."""
        if self._cutover is None:
            self._await_restorable()
            asked = {
                "mode": "cutover",
                "target": _words(self.target),
                "confirm": cluster.in_service(self._stage.platform),
                "run": self._run,
            }
            self._cutover = restores.Execution.begin(self._stage.platform, self._run, asked)
            self._stage.note(f"a person begins a cutover to {_words(self.target)}")
        if not self.ended:
            self._follow(self._cutover, CUTOVER_WITHIN_S)
            self.ended = True
            for state, at in self._cutover.entered().items():
                if state in PHASES:
                    self._stage.timeline.note(at, PHASES[state])

    def adopt(self) -> str:
        """The copy gets the stack's names; the replaced cluster goes. Raises: `NotAnswered`.

        The platform keeps that one for a week. On a laptop it is three servers that nobody needs.
        """
        platform, record = self._stage.platform, restores.record(self._stage.platform, self._run)
        if self._adoption is None:
            asked = {"mode": "adopt", "confirm": record["replacement"]}
            self._adoption = restores.Execution.begin(platform, f"{self._run}-adopt", asked)
            self._stage.note("and adopts the copy")
        if record["adopted_at"] is None:
            self._follow(self._adoption, ADOPTION_WITHIN_S)
            self._stage.note("which has the stack's names now")
        cluster.remove(platform, record["replaced"])
        return "the replaced cluster is taken away"

    def _await_restorable(self) -> None:
        deadline = time.monotonic() + RESTORABLE_WITHIN_S
        while cluster.restorable_to(self._stage.platform) < self.target:
            if time.monotonic() > deadline:
                raise NotAnswered(f"{_words(self.target)} is not restorable: the archive is behind")
            time.sleep(LOOK_S)

    def _follow(self, execution: Execution, within_s: float) -> None:
        """Raises: `NotAnswered` when it does not end, or not well."""
        said = time.monotonic()

        def tell(entered: Mapping[str, float]) -> None:
            nonlocal said
            if time.monotonic() - said >= SAID_EVERY_S:
                said = time.monotonic()
                state, since = list(entered.items())[-1]
                self._stage.say(f"… {execution.name} is at {state}, {time.time() - since:.0f} s")

        try:
            ended = execution.follow(within_s, tell)
        except restores.DoesNotEnd as error:
            raise NotAnswered(str(error)) from None
        if ended != restores.SUCCEEDED:
            raise NotAnswered(f"{execution.name} ended {ended}: make incident")


def _as_master(platform: Platform, sql: str) -> list[tuple[object, ...]]:
    session = Session(platform, "master", options=AT_ONCE)
    try:
        return session.run(sql)
    finally:
        session.close()


def _is_dropped(platform: Platform) -> bool:
    [(there,)] = _as_master(platform, IS_THERE)
    return not there


def _words(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
