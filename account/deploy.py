"""One way to deploy, to an account and to the laptop: look, build, hold, deploy, ask for life."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from account import guard, hold, outputs, preflight, smoke, tree
from account.preflight.finding import Look
from account.progress import Watch
from account.refusal import Refusal
from account.sam import Sam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from account.guard import Account
    from account.plan import Plan
    from account.view import View

# A stack in such a state takes no update, and on a laptop nothing is lost with it.
NEVER_CAME_UP = ("CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")


@dataclass(frozen=True)
class Deployment:
    """What is deployed, where to, and where the traces go."""

    account: Account
    plan: Plan
    view: View
    work: Path
    outputs: Path

    def run(self, env: Mapping[str, str], ask: Callable[[str], str]) -> None:
        """Raises: `Refusal` at the first step that cannot go on; the hold is free then."""
        self.view.say(str(self.account))
        if self.account.environment == "local":
            settle(self.account, self.plan.stack, self.view)
        self.preflight(brief=self.account.environment == "local")
        deed = f"{self.plan.stack} will be created or updated."
        guard.answered(self.account, deed, env=env, ask=ask)
        self._build_and_deploy()
        written = outputs.write(
            self.account.client("cloudformation"), self.plan.stack, self.outputs
        )
        self.view.say(f"{len(written)} outputs in {self.outputs}")
        self._smoke(written)

    def preflight(self, *, brief: bool = False) -> None:
        """`brief` shows the table only when it has something to say.

        Raises: `Refusal` when a check failed; the table names the remedies.
        """
        look = Look(self.account, self.plan)
        findings = list(preflight.examine(look, tell=self.view.progress))
        self.view.progress("")
        if brief and all(each.verdict in ("ok", "not asked") for each in findings):
            asked = sum(each.verdict == "ok" for each in findings)
            more = f"the other {len(findings) - asked} need an account: make preflight names them"
            self.view.say(f"Preflight: {asked} checks ok; {more}.")
        else:
            preflight.show(findings, self.view)
        preflight.refuse(findings)

    def _build_and_deploy(self) -> None:
        cloudformation = self.account.client("cloudformation")
        before = tree.root(cloudformation, self.plan.stack)
        watch = Watch(cloudformation, self.plan.stack)
        with progress(self.view):
            self.view.progress("sam build")
            Sam(self.plan.environment, self.work, lambda: None).build()
            self.view.progress("sam deploy")
            table = hold.table_of(self.plan.environment)
            reason = f"make deploy of {self.plan.stack}"
            with hold.held(
                self.account.client("dynamodb"), table, reason, show=self.view.say
            ) as taken:
                if not taken:
                    self.view.say("The hold has no table yet: nobody else can be at work.")
                seconds = self._deploy(before, watch)
        (self.work / "deploy-seconds").write_text(f"{seconds:.1f}")
        self.view.say(f"Deployed in {seconds:.0f} s.")
        self._protect()

    def _deploy(self, before: tree.Root, watch: Watch) -> float:
        unborn = not before.exists or before.status == "CREATE_FAILED"
        first = unborn and self.plan.true("DeletionProtection")
        if first:  # a protected cluster cannot be rolled back
            self.view.say("First deploy of a protected stack: a failure stays as it is, to go on.")
        sam = Sam(self.plan.environment, self.work, lambda: self.view.progress(watch.line()))
        started = time.monotonic()
        try:
            sam.deploy(*(["--disable-rollback"] if first else []))
        except Refusal as refusal:
            raise Refusal(f"{self._why(before)}{refusal}") from None
        return time.monotonic() - started

    def _why(self, before: tree.Root) -> str:
        """The first failures, from the bottom of the tree: SAM CLI shows only the root's."""
        cloudformation = self.account.client("cloudformation")
        now = tree.root(cloudformation, self.plan.stack)
        if not now.identity or now.status == before.status:
            return ""
        verb = "UPDATE" if before.exists else "CREATE"
        guilty = tree.events(cloudformation, now.identity, verb)
        lines = [f"  {each.logical} ({each.kind}): {each.reason}" for each in guilty[:5]]
        return "\n".join(["What failed:", *lines, ""]) if lines else ""

    def _protect(self) -> None:
        """Deletion protection of a cluster protects the volume; this protects the whole."""
        if self.plan.true("DeletionProtection"):
            self.account.client("cloudformation").update_termination_protection(
                StackName=self.plan.stack, EnableTerminationProtection=True
            )

    def _smoke(self, written: Mapping[str, str]) -> None:
        signs = list(smoke.test(self.account, self.plan.stack, written))
        rows = [
            (each.name, each.seen, "ok" if each.alive else "FAIL", each.remedy) for each in signs
        ]
        self.view.table("Signs of life", ("what", "seen", "verdict", "remedy"), rows)
        if not all(each.alive for each in signs):
            raise Refusal("It is deployed and does not live as it should: see the table.")


@contextmanager
def progress(view: View) -> Iterator[None]:
    """Whatever happens inside, the progress line ends."""
    try:
        yield
    finally:
        view.progress("")


def settle(account: Account, stack: str, view: View) -> None:
    """Let an earlier deploy that was cut off come to its end; remove a stack that never came up.

    CloudFormation refuses to touch a stack in either state. The laptop's only: an account's owner
    decides, told by preflight.
    """
    cloudformation = account.client("cloudformation")
    status = tree.root(cloudformation, stack).status
    if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
        view.say("An earlier deploy is still running: waiting for its end.")
        status = _at_rest(cloudformation, stack)
    if status in NEVER_CAME_UP:
        view.say("An earlier deploy failed: removing what it left.")
        cloudformation.delete_stack(StackName=stack)
        _at_rest(cloudformation, stack)


def _at_rest(cloudformation: object, stack: str) -> str:
    while True:
        status = tree.root(cloudformation, stack).status
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(1)
