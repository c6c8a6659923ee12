"""`make destroy`: everything that an environment has, taken away on purpose and to the last piece.

Can be repeated and interrupted at any point: every step looks at what is there before it acts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from account import guard, hold
from account.deploy import progress
from account.destroy import keep, leftovers, losses, remains, stack, unblock
from account.destroy.keep import Kept
from account.destroy.scene import Scene
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from account.guard import Account
    from account.view import View


@dataclass(frozen=True)
class Destruction:
    """One environment's end."""

    account: Account
    stack: str
    view: View
    outputs: Path

    def run(self, env: Mapping[str, str], ask: Callable[[str], str]) -> None:
        """Raises: `Refusal` when it may not, cannot go on, or something remains."""
        self.view.say(str(self.account))
        scene = Scene.of(self.account, self.stack, self.view)
        keeping = env.get("KEEP_BACKUPS") == "1"
        self._show(scene, keeping)
        if self.account.environment == "prod":
            refuse_protected(scene)
        deed = f"All of this will be destroyed: {self.stack}."
        guard.answered(self.account, deed, env=env, ask=ask)
        table, reason = hold.table_of(scene.environment), f"make destroy of {self.stack}"
        with (
            progress(self.view),
            hold.held(scene.at("dynamodb"), table, reason, show=_quiet),
        ):
            kept = self._destroy(scene, keeping)
            self._tell(scene, kept)
            self._check(scene, kept)
        _forget(self.outputs, self.account.environment)

    def _show(self, scene: Scene, keeping: bool) -> None:
        found = list(losses.find(scene))
        if found:
            head = ("store or backup", "name", "size", "since")
            self.view.table("This will be lost", head, found)
        else:
            self.view.say("No store and no backup of this environment exists.")
        if not scene.root.exists:
            self.view.say(f"There is no stack {self.stack}; what it left is removed.")
        if keeping:
            self.view.say("KEEP_BACKUPS=1: a last snapshot, the ledger and their key are kept.")

    def _destroy(self, scene: Scene, keeping: bool) -> Kept:
        kept = keep.take(scene, _ledger_of(scene)) if keeping else Kept()
        unblock.everything(scene)
        stack.delete(scene)
        if scene.root.exists:
            self.view.say(f"The stack {self.stack} is gone.")
        if keeping:
            keep.save_keys(scene, kept)
        for line in leftovers.everything(scene, kept.names()):
            self.view.say(f"Removed what the stack had left: {line}.")
        return kept

    def _tell(self, scene: Scene, kept: Kept) -> None:
        """When backups die, what is kept, what stays."""
        for name in sorted(kept.names() - kept.keys):
            self.view.say(f"Kept: {name}.")
        if kept.keys:
            self.view.say(f"Read with, so do not delete: {', '.join(sorted(kept.keys))}.")
        elif kept.names():
            self.view.say("What is kept was not encrypted and needs no key.")
        ends = sorted(
            deletion
            for key in {*scene.of_kind("AWS::KMS::Key"), *remains.keys_by_tag(scene)} - kept.keys
            if (deletion := _end_of(scene, key)) is not None
        )
        if ends:
            self.view.say(
                f"The keys die on {ends[-1]}. What was encrypted with these, copies included, "
                "nobody can read from then on; until then `aws kms cancel-key-deletion` helps."
            )
        self.view.say(
            "Kept on purpose: the seven secrets, the parameters with their ARNs and the list of "
            "privacy's callers. They belong to the environment, not to the stack."
        )

    def _check(self, scene: Scene, kept: Kept) -> None:
        """By name, then by tag. Raises: `Refusal` that lists what remains."""
        self.view.progress("looking for what remains")
        stays = kept.names() | ({role} if (role := leftovers.shared_role(scene)) else set())
        if role:
            self.view.say(f"Kept, because other APIs of the account log with it: role {role}.")
        left = [*remains.by_name(scene, stays), *remains.by_tag(scene, stays)]
        if scene.unasked:
            asked = ", ".join(sorted(scene.unasked))
            self.view.say(f"Not asked, because the laptop's cloud does not know it: {asked}.")
        if left:
            lines = "\n".join(f"  {each}" for each in left)
            raise Refusal(f"This remains:\n{lines}\nRun it again; what stays then, delete by hand.")
        self.view.say("Nothing remains: every service was asked by name, then the index of tags.")


def _forget(outputs: Path, environment: str) -> None:
    """Remove the outputs, unless they are those of another environment."""
    if outputs.exists():
        told = json.loads(outputs.read_text()).get("EnvironmentSuffix")
        if told == environment:
            outputs.unlink()


def refuse_protected(scene: Scene) -> None:
    """Production's protection is taken off by hand first. Raises: `Refusal`."""
    protected = [
        each["DBClusterIdentifier"]
        for each in unblock.clusters(scene)
        if each.get("DeletionProtection")
    ]
    if protected:
        commands = "\n".join(
            f"  aws rds modify-db-cluster --db-cluster-identifier {name} "
            "--no-deletion-protection --apply-immediately"
            for name in protected
        )
        raise Refusal(
            "Nothing was done: production is protected. Whoever may destroy it takes the "
            f"protection off first:\n{commands}"
        )


def _ledger_of(scene: Scene) -> str:
    if not scene.root.exists:
        return ""
    found = scene.at("cloudformation").describe_stacks(StackName=scene.root.identity)["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    return str(outputs.get("PrivacyLedgerTableName", ""))


def _end_of(scene: Scene, key: str) -> str | None:
    kms = scene.at("kms")
    try:
        found = kms.describe_key(KeyId=key)["KeyMetadata"]
    except kms.exceptions.NotFoundException:
        return None
    return f"{found['DeletionDate']:%Y-%m-%d}" if "DeletionDate" in found else None


def _quiet(_: str) -> None:
    """The hold goes with its table; nobody needs to hear of it."""
