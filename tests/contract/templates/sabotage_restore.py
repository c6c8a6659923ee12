"""How facts about a restore can be broken: one change to a copy of the stacks, or the workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.templates import test_database, test_restoring, test_restoring_rights
from tests.contract.templates.sabotage_shapes import GONE

if TYPE_CHECKING:
    from types import ModuleType

CLUSTERS = "RecoveryCutover ClustersPolicy Properties PolicyDocument Statement"
COPIES = "RecoveryRestore RestorePolicy Properties PolicyDocument Statement"
DRILL = "RecoveryDrill DrillRule Properties Targets 0"
ANY = "arn:aws:rds:eu-central-1:123456789012:cluster:streamflix-aurora-*"
LATER = '{"mode": "cutover", "target": "latest", "confirm": "cluster-X"}'

# For each module: the end of a fact's name, where the platform is changed, and into what.
RESTORE: dict[ModuleType, list[tuple[str, str, Any]]] = {
    test_restoring: [("and_nothing_else", f"{DRILL} Input", LATER)],
    test_restoring_rights: [
        ("its_copies_alone", f"{CLUSTERS} 2 Resource 1", ANY),
        ("its_copies_alone", f"{CLUSTERS} 2 Action", "rds:DeleteDBCluster"),
        ("address_book", f"{COPIES} 4 Resource", ANY),
        ("address_book", f"{COPIES} 3 Resource", ANY.replace(":cluster:", ":db:")),
        ("address_book", f"{COPIES} 4 Action", ["rds:ModifyDBCluster", "ssm:PutParameter"]),
    ],
    test_database: [
        (
            "and_nobody_else",
            "RecoveryCutover CutoverPolicy Properties PolicyDocument Statement 5 Action",
            "ssm:DeleteParameter",
        ),
        ("and_nobody_else", f"{COPIES} 4 Action", ["rds:ModifyDBCluster", "ssm:PutParameter"]),
    ],
}

# As above, with places in the workflow.
WALKED: list[tuple[str, str, Any]] = [
    ("in_service", "IsInEarnest Default", "Pause"),
    ("in_service", "WhatIsToBeTakenBack Default", "TakeBack"),
    ("has_that_name", "Begin Catch 0 Next", "NoteFailure"),
    ("has_that_name", "Begin Catch 0 ErrorEquals", ["NotConfirmed"]),
    ("has_that_name", "Settle Catch 0 Next", "NotYetAdopted"),
    ("has_that_name", "Fence Catch 0 Next", "NotBegun"),
    ("everything_back", "Fence Catch 0 Next", "Clean"),
    ("everything_back", "Pause Catch 0 Next", "Failed"),
    ("everything_back", "NoteFailure Catch 0 Next", "LeftBehind"),
    ("everything_back", "WhatIsToBeTakenBack Choices 0 Next", "Clean"),
    ("everything_back", "IsItOpenAgain Choices 1 Next", "Clean"),
    ("clean_end", "TakeBack Catch 0 Next", "Clean"),
    ("its_hold", "IsItOpenAgain Choices 0 Next", "Clean"),
    ("its_hold", "LetCount Catch 0 Next", "Clean"),
    ("its_hold", "AddReaders Catch 0 Next", "Clean"),
    ("no_other_copy", "IsItTurned Choices 0 Next", "Restore"),
    ("led_to_the_copy", "IsItRehearsed Choices 0 Next", "Open"),
    ("led_to_the_copy", "Migrate Next", "Open"),
    ("erased_again", "EndSessions Next", "Turn"),
    ("erased_again", "EndSessions Arguments Payload epoch", GONE),
    ("erased_again", "Fence Assign epoch", GONE),
    ("erased_again", "EndSessions Catch 0 ErrorEquals 2", "CopyNotFenced"),
    ("erased_again", "EndSessions Catch 0 Assign", GONE),
    ("erased_again", "EndSessions Retry 0 MaxAttempts", 3),
    ("into_the_old_one", "Open Arguments Payload logins 3", GONE),
    ("into_the_old_one", "Open Arguments Payload epoch", GONE),
    ("into_the_old_one", "Turn Assign epoch", GONE),
    ("into_the_old_one", "Reopen Arguments Payload logins 1", GONE),
    ("into_the_old_one", "Reopen Arguments Payload epoch", "{% $epoch %}"),
    ("tip_is_reached", "CountEvents Arguments Payload restore", GONE),
    ("tip_is_reached", "CountEvents Assign counted", "{% true %}"),
    ("tip_is_reached", "IsCounted Choices 0 Condition", "{% $turned %}"),
    ("tip_is_reached", "IsCounted Default", "LetCount"),
    ("not_earlier", "Tell Next", "LetCount"),
    ("not_earlier", "Turn Next", "Tell"),
    ("not_earlier", "Tell Arguments Payload step", "count"),
    ("not_earlier", "CountEvents Next", "LetCount"),
    ("not_earlier", "CountEvents Catch 0 Next", "LetCount"),
    ("not_earlier", "IsCounted Choices 0 Next", "ResumeStream"),
    ("not_earlier", "LetCount Arguments Payload step", "open"),
    ("not_earlier", "LetCount Arguments Payload address", "{% $oldAddress %}"),
    ("not_earlier", "LetCount Next", "AddReaders"),
    ("not_earlier", "LetCount Catch 0 Next", "ResumeStream"),
    ("nothing_is_left_to_do", "ResumeStream Next", "Clean"),
    ("nothing_is_left_to_do", "AddReaders Arguments Payload step", "resume"),
    ("nothing_is_left_to_do", "Tell Arguments Payload step", "readers"),
    ("gone_on_with", "StepIn Catch 0 Next", "NoteFailure"),
    ("and_no_other", "Turn Retry 1 ErrorEquals 0", GONE),
    ("and_no_other", "Fence Retry 1 ErrorEquals 0", "CopyIncomplete"),
    ("and_no_other", "Finish Retry 0 ErrorEquals 0", "NotConfirmed"),
    ("and_no_other", "Replay Retry 0", GONE),
]
