"""Gap: CloudFormation does not know selections of AWS Backup and drops the policy of a vault.

MiniStack's Backup has selections; the handler here calls it. It has no policies of vaults: they are
kept here beside the vault, and told. Nothing is enforced.

Test: tests/contract/local/test_types_backup.py
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ministack.services import backup
from ministack.services.cloudformation import provisioners

from local import gateway, resource_types

if TYPE_CHECKING:
    from local.context import Cloud
    from local.resource_types import Created, Properties

PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    "ministack.services.backup:_get_vault_access_policy",
    "ministack.services.backup:_ok",
    "ministack.services.backup:_vaults",
)
VAULT = "AWS::Backup::BackupVault"
SELECTION = "AWS::Backup::BackupSelection"
TYPES: tuple[str, ...] = (VAULT, SELECTION)


def install(cloud: Cloud) -> None:  # noqa: ARG001
    resource_types.register(SELECTION, _create_selection, _delete_selection)
    _keep_policies()


def _create_selection(_: str, properties: Properties, __: str) -> Created:
    """Its physical id is the selection's and the plan's, as AWS has it. Any change replaces."""
    made = gateway.call("backup", "CreateBackupSelection", properties)
    selection, plan = made["SelectionId"], made["BackupPlanId"]
    identity = f"{selection}_{plan}"
    return identity, {"Id": identity, "SelectionId": selection, "BackupPlanId": plan}


def _delete_selection(identity: str, _: Properties) -> None:
    selection, plan = identity.split("_", 1)
    wanted = {"BackupPlanId": plan, "SelectionId": selection}
    gateway.call("backup", "DeleteBackupSelection", wanted)


def _keep_policies() -> None:
    handler = provisioners._RESOURCE_HANDLERS[VAULT]
    create, update, tell = handler["create"], handler["update"], backup._get_vault_access_policy

    def create_with_policy(logical_id: str, properties: Properties, stack: str) -> Created:
        made: Created = create(logical_id, properties, stack)
        backup._vaults[made[0]]["AccessPolicy"] = properties.get("AccessPolicy")
        return made

    def update_with_policy(identity: str, old: Properties, new: Properties, *where: str) -> Created:
        made: Created = update(identity, old, new, *where)
        backup._vaults[made[0]]["AccessPolicy"] = new.get("AccessPolicy")
        return made

    def tell_policy(name: str) -> Any:
        vault = backup._vaults.get(name, {})
        if not vault.get("AccessPolicy"):
            return tell(name)
        told = {key: vault[key] for key in ("BackupVaultName", "BackupVaultArn")}
        return backup._ok(told | {"Policy": json.dumps(vault["AccessPolicy"])})

    handler |= {"create": create_with_policy, "update": update_with_policy}
    backup._get_vault_access_policy = tell_policy
