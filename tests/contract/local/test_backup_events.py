"""Which events of AWS Backup become a ticket, judged by the rule that the template writes.

The events have the fields that AWS's documents show: jobs have a state, recovery points and
restores a status, and what was only created has no role yet.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.contract.templates import house

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

ROLES = "arn:aws:iam::111122223333:role"
OURS, RESTORE = f"{ROLES}/streamflix-backup-prod", f"{ROLES}/streamflix-recovery-restore-prod"
JOB, COPY, RESTORED, POINT = (
    f"{thing} State Change" for thing in ("Backup Job", "Copy Job", "Restore Job", "Recovery Point")
)


def pattern() -> str:
    """The rule's pattern as it reads in the environment `prod`."""
    backup = house.read(house.ROOT / "stacks/backup.yaml")
    written = backup.resources()["BackupFailedRule"]["Properties"]["EventPattern"]
    (role,) = written["detail"]["iamRoleArn"]
    text = house.text(role["wildcard"], "prod")
    values = {"AWS::Partition": "aws", "AWS::AccountId": "111122223333"}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return json.dumps(
        written | {"detail": written["detail"] | {"iamRoleArn": [{"wildcard": text}]}}
    )


@pytest.mark.parametrize(
    ("kind", "detail", "heard"),
    [
        (JOB, {"state": "FAILED", "iamRoleArn": OURS}, True),
        (JOB, {"state": "ABORTED", "iamRoleArn": OURS}, True),
        (JOB, {"state": "EXPIRED", "iamRoleArn": OURS}, True),
        (COPY, {"state": "FAILED", "iamRoleArn": OURS}, True),
        (RESTORED, {"status": "FAILED", "iamRoleArn": RESTORE}, True),
        (POINT, {"status": "EXPIRED", "iamRoleArn": OURS}, True),
        (POINT, {"status": "PARTIAL", "iamRoleArn": OURS}, True),
        (JOB, {"state": "COMPLETED", "iamRoleArn": OURS}, False),
        (JOB, {"state": "CREATED"}, False),
        (POINT, {"status": "DELETING", "iamRoleArn": OURS}, False),
        (JOB, {"state": "FAILED", "iamRoleArn": f"{ROLES}/streamflix-backup-dev"}, False),
        (JOB, {"state": "FAILED", "iamRoleArn": f"{ROLES}/somebody-else"}, False),
    ],
)
def test_what_went_wrong_in_a_role_of_this_environment_becomes_a_ticket(
    cloud: Cloud, kind: str, detail: dict[str, str], heard: bool
) -> None:
    event = {
        "version": "0",
        "id": "1d7bbc04-6120-1145-13b9-49b0af465328",
        "source": "aws.backup",
        "detail-type": kind,
        "account": "111122223333",
        "region": "eu-central-1",
        "time": "2026-11-23T04:05:06Z",
        "resources": [],
        "detail": detail,
    }
    events = cloud.client("events")
    answer = events.test_event_pattern(EventPattern=pattern(), Event=json.dumps(event))

    assert answer["Result"] is heard
