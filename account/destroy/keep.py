"""`KEEP_BACKUPS=1`: a last snapshot, the ledger and their keys are kept together, or none of them.

A snapshot without its key cannot be read. A snapshot without the ledger would bring back people
who were erased: nothing could tell who they are.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from account import in_service, tree
from account.destroy import unblock
from account.names import PROJECT
from account.refusal import Refusal

if TYPE_CHECKING:
    from account.destroy.scene import Scene

MINUTES = 60


@dataclass
class Kept:
    """What survives, and by which keys it is read."""

    snapshot: str = ""
    ledger: str = ""
    keys: set[str] = field(default_factory=set)
    earlier: set[str] = field(default_factory=set)
    """Snapshots and backups that an earlier run kept; this one does not touch them."""

    def names(self) -> set[str]:
        """What the check afterwards must not complain about."""
        return {self.snapshot, self.ledger, *self.keys, *self.earlier} - {""}


def take(scene: Scene, ledger_table: str) -> Kept:
    """Before anything is deleted. Raises: `Refusal`; then nothing was kept and nothing deleted."""
    kept = Kept()
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    try:
        _snapshot(scene, kept, stamp)
        _ledger(scene, kept, ledger_table, stamp)
    except BaseException:
        discard(scene, kept)
        raise
    return kept


def _snapshot(scene: Scene, kept: Kept, stamp: str) -> None:
    rds = scene.at("rds")
    own = _in_service(scene)
    for each in _kept_before(scene):
        kept.earlier.add(each["DBClusterSnapshotIdentifier"])
        kept.keys |= _keys_of(each)
    if not own:
        if not kept.earlier:
            raise Refusal("Nothing was done: there is no database to keep a snapshot of.")
        return  # this run finishes what an earlier one began
    kept.keys |= _keys_of(own)
    name = f"{PROJECT}-kept-{stamp}-{scene.environment}"
    rds.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=name,
        DBClusterIdentifier=own["DBClusterIdentifier"],
        Tags=[{"Key": "Project", "Value": PROJECT}, {"Key": "DataClass", "Value": "personal"}],
    )
    kept.snapshot = name

    def ready() -> bool:
        found = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)
        return bool(found["DBClusterSnapshots"][0]["Status"] == "available")

    scene.wait(f"taking the snapshot {name}", ready, within=120 * MINUTES)


def _in_service(scene: Scene) -> dict[str, Any]:
    """The cluster that clients go to, also when a cutover was not adopted; empty without any.

    Without an address book it is the stack's own.
    """
    found = {each["DBClusterIdentifier"]: each for each in unblock.clusters(scene)}
    page = in_service.writer_page(scene.at("ssm"), scene.environment)
    name = in_service.led_to(page, found.values()) or in_service.own_cluster(scene.environment)
    return found.get(name, {})


def _kept_before(scene: Scene) -> list[dict[str, Any]]:
    pattern = rf"{PROJECT}-kept-\d+-{scene.environment}"
    return [
        each
        for each in scene.each("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots")
        if re.fullmatch(pattern, each["DBClusterSnapshotIdentifier"])
    ]


def _keys_of(store: dict[str, Any]) -> set[str]:
    """The key of a cluster or a snapshot; none when it is not encrypted. Raises: `Refusal`."""
    if store.get("KmsKeyId"):
        return {store["KmsKeyId"]}
    if store.get("StorageEncrypted"):
        raise Refusal("Nothing was done: RDS does not name the key of the encrypted database.")
    return set()


def _ledger(scene: Scene, kept: Kept, table: str, stamp: str) -> None:
    """An on-demand backup outlives its table and is encrypted with the table's key."""
    dynamodb = scene.at("dynamodb")
    for each in scene.each("dynamodb", "list_backups", "BackupSummaries", BackupType="USER"):
        if scene.ours(each["TableName"]) and "-kept-" in each["BackupName"]:
            found = dynamodb.describe_backup(BackupArn=each["BackupArn"])["BackupDescription"]
            kept.earlier.add(each["BackupArn"])
            kept.keys |= _key_in(found.get("SourceTableFeatureDetails", {}))
    if not table:
        if scene.root.exists:
            scene.view.say("There is no ledger yet: nobody was erased whom a restore would revive.")
        return
    found = dynamodb.describe_table(TableName=table)["Table"]
    details = dynamodb.create_backup(TableName=table, BackupName=f"{table}-kept-{stamp}")
    kept.ledger = details["BackupDetails"]["BackupArn"]
    kept.keys |= _key_in(found)

    def ready() -> bool:
        backup = dynamodb.describe_backup(BackupArn=kept.ledger)["BackupDescription"]
        return bool(backup["BackupDetails"]["BackupStatus"] == "AVAILABLE")

    scene.wait(f"backing up the ledger {table}", ready, within=60 * MINUTES)


def _key_in(table: dict[str, Any]) -> set[str]:
    key = table.get("SSEDescription", {}).get("KMSMasterKeyArn")
    return {key} if key else set()


def save_keys(scene: Scene, kept: Kept) -> None:
    """After the stack is gone: its keys wait for their deletion, these do not.

    Raises: `Refusal`; then nothing is kept, neither key nor snapshot nor ledger.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    kms = scene.at("kms")
    try:
        for key in sorted(kept.keys):
            if kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion":
                kms.cancel_key_deletion(KeyId=key)
            kms.enable_key(KeyId=key)  # a key that was saved is disabled
    except (BotoCoreError, ClientError) as error:
        for each in kept.earlier:
            _delete(scene, each)
        discard(scene, kept)
        raise Refusal(
            f"A key could not be saved ({error}), so nothing is kept: its snapshots were deleted. "
            "Run it again without KEEP_BACKUPS to finish."
        ) from None


def discard(scene: Scene, kept: Kept) -> None:
    """Undo: all or nothing. Safe to repeat."""
    kms = scene.at("kms")
    for each in (kept.snapshot, kept.ledger):
        if each:
            _delete(scene, each)
    if not scene.resources or _stack_lives(scene):
        return  # the keys are the living stack's
    for key in kept.keys:
        with suppress(kms.exceptions.KMSInvalidStateException, kms.exceptions.NotFoundException):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)


def _delete(scene: Scene, kept: str) -> None:
    """A snapshot by its name, a table's backup by its ARN."""
    dynamodb = scene.at("dynamodb")
    if not kept.startswith("arn:"):
        _delete_snapshot(scene, kept)
        return
    with suppress(dynamodb.exceptions.BackupNotFoundException):
        dynamodb.delete_backup(BackupArn=kept)


def _delete_snapshot(scene: Scene, name: str) -> None:
    """A snapshot that is still being made cannot be deleted at once."""
    rds, started = scene.at("rds"), time.monotonic()
    while time.monotonic() - started < 60 * MINUTES:
        try:
            rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)
        except rds.exceptions.DBClusterSnapshotNotFoundFault:
            return
        except rds.exceptions.InvalidDBClusterSnapshotStateFault:
            scene.view.progress(f"deleting the snapshot {name}")
            time.sleep(0.2 if scene.local else 10)
        else:
            return


def _stack_lives(scene: Scene) -> bool:
    return tree.root(scene.at("cloudformation"), scene.stack).exists
