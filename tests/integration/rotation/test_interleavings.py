"""Whatever happens in whatever order, no live password is lost and a clean run converges."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from rotation import content
from rotation.ticket import STEPS
from streamflix.errors import Permanent, Retryable
from tests.integration.rotation import crash

if TYPE_CHECKING:
    from tests.integration.rotation.conftest import Rig

EXAMPLES = int(os.environ.get("ROTATION_INTERLEAVINGS", "5"))
RULES = 8  # in a row for each example

HARMLESS = (Permanent, Retryable)
"""A step may refuse; then Secrets Manager or a person tries something else."""

a_step = st.sampled_from(STEPS)


class Rotation(RuleBasedStateMachine):
    """One login, and everything that may happen to it."""

    rig: Rig
    login: str

    @initialize()
    def at_rest(self) -> None:
        self.token = ""
        self.tampered = False
        self._off()

    @rule()
    def new_token(self) -> None:
        """As RotateSecret: refused while another version waits."""
        pending = self.rig.stages(self.login).get("AWSPENDING")
        if pending in (None, self.rig.stages(self.login)["AWSCURRENT"]):
            self.token = self.rig.begin(self.login)

    @precondition(lambda self: self.token)
    @rule(step=a_step)
    def any_step(self, step: str) -> None:
        with contextlib.suppress(*HARMLESS):
            self.rig.step(self.login, self.token, step)

    @precondition(lambda self: self.token)
    @rule()
    def all_steps(self) -> None:
        with contextlib.suppress(*HARMLESS):
            self.rig.rotate(self.login, self.token)

    @precondition(lambda self: self.token)
    @rule(step=a_step)
    def duplicate(self, step: str) -> None:
        strange: list[Exception] = []

        def run() -> None:
            try:
                self.rig.step(self.login, self.token, step)
            except HARMLESS:
                pass
            except Exception as error:  # noqa: BLE001  the invariant is that there is none
                strange.append(error)

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert strange == []

    @precondition(lambda self: self.token)
    @rule(step=a_step, call=st.integers(0, 20), after=st.booleans())
    def crash(self, step: str, call: int, after: bool) -> None:
        def run(_: Any) -> None:
            crash.Seams(crash.Point(call, after, "")).install()
            with contextlib.suppress(*HARMLESS):
                self.rig.step(self.login, self.token, step)

        crash.in_child(run)
        self.rig.release_hold()

    @rule()
    def clear_label(self) -> None:
        self._off()

    @rule()
    def change_by_hand(self) -> None:
        user = self.rig.value(self.login)["username"]
        self.rig.as_master(f"ALTER ROLE {user} PASSWORD '{content.password()}'")
        self.tampered = True

    @rule()
    def sweep(self) -> None:
        self.rig.sweep(self.login, stuck_after_seconds=0)
        assert self.rig.accepts(self.login)
        self.tampered = False

    @invariant()
    def one_current_and_a_live_version(self) -> None:
        found = self.rig.vault.describe_secret(SecretId=self.rig.env.secret_arns[self.login])
        labels = [label for labels in found["VersionIdsToStages"].values() for label in labels]
        assert labels.count("AWSCURRENT") == 1
        if not self.tampered:
            assert self._some_version_logs_in()

    def teardown(self) -> None:
        self._off()
        token = self.rig.rotate(self.login)
        assert self.rig.stages(self.login)["AWSCURRENT"] == token
        assert self.rig.accepts(self.login)

    def _off(self) -> None:
        pending = self.rig.stages(self.login).get("AWSPENDING")
        if pending:
            self.rig.clear_label(self.login, pending)

    def _some_version_logs_in(self) -> bool:
        """The current one always does, unless the login is a single one in the middle of a change;
        then another version does, labelled or not."""
        if self.rig.accepts(self.login):
            return True
        return self.login == "app" and self.rig.work(self.login).strategy.live() is not None


@pytest.mark.parametrize("login", ["analytics", "app"])
def test_no_order_of_events_loses_a_login(rig: Rig, login: str) -> None:
    machine = type("Machine", (Rotation,), {"rig": rig, "login": login})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=RULES,
            deadline=None,
            derandomize=EXAMPLES < 10,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
