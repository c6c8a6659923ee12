"""Least privilege, judged by the calls that the whole suite made: nothing unused, nothing missing.

Only the laptop records every authorised call, so this is the laptop's alone.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
CLOUD = ROOT / ".local/venvs/cloud/bin/python"

# What only AWS calls: the laptop has no network interfaces and no flow logs to deliver, runs no
# task, takes and tries no backup, starts no experiment, its proxy is another name of the database,
# its tables decrypt without asking for whom, its functions leave no dead letters and its workflows
# no log, its queues are read and its files mounted without asking, its RDS encrypts without asking
# for whom, its Parameter Store tags what is put without asking, and no suite waits for a Wednesday
# or looks on after the platform's end.
ONLY_AWS_CALLS = {
    (policy, statement)
    for policy, statements in {
        "streamflix-vpc-function": ["LambdaManagesInterfaces"],
        "streamflix-analytics-keep": ["LambdaLeavesWhatItGaveUp", "SqsEncryptsForIt"],
        "streamflix-network-flow-log": ["VpcDeliversItsFlowLog", "VpcFindsItsLogGroup"],
        "streamflix-proxy": ["RdsProxyLogsInAsTheService"],
        "streamflix-service-execution": ["EcsDeliversTheLog", "EcsInjectsThePasswordOfRedis"],
        "streamflix-service-task": [
            "EcsTaskHasKinesisEncryptForIt",
            "EcsTaskLogsInToTheDatabase",
            "EcsTaskMountsItsFiles",
            "EcsTaskPutsEvents",
        ],
        "streamflix-schema-migrate": ["SsmTagsTheEpochForIt", "TakesTheEpochAwayAtTheEnd"],
        "streamflix-rotation": ["DynamoDbDecryptsForIt"],
        "streamflix-rotation-sweep": ["LambdaLeavesWhatItGaveUp", "SqsEncryptsForIt"],
        "streamflix-service-redeploy": ["StepFunctionsDeliversItsLog"],
        "streamflix-privacy-answer": ["LambdaMountsTheFilesForIt"],
        "streamflix-privacy-call": [
            "DynamoDbDecryptsForIt",
            "LambdaReadsTheQueueForIt",
            "SqsDecryptsForIt",
        ],
        "streamflix-privacy-erase": ["StepFunctionsDeliversItsLog"],
        "streamflix-privacy-tend": [
            "DynamoDbDecryptsForIt",
            "LambdaLeavesWhatItGaveUp",
            "SqsEncryptsForIt",
        ],
        "streamflix-privacy-work": ["LambdaMountsTheFilesForIt"],
        "streamflix-recovery-probe": [
            "DynamoDbDecryptsForIt",
            "LambdaLeavesWhatItGaveUp",
            "SqsEncryptsForIt",
        ],
        "streamflix-recovery-monitor": [
            "DynamoDbDecryptsForIt",
            "LambdaLeavesWhatItGaveUp",
            "TopicsAndQueuesEncryptForIt",
        ],
        "streamflix-recovery-observe": [
            "DynamoDbDecryptsForIt",
            "LambdaLeavesWhatItGaveUp",
            "SqsEncryptsForIt",
        ],
        "streamflix-recovery-copies": [
            "DynamoDbDecryptsForIt",
            "RdsAsksForWhatACopyIsMadeOfAsWell",
            "RdsEncryptsTheCopyForIt",
            "RdsLooksAtTheKeyForIt",
        ],
        "streamflix-recovery-clusters": [
            "RdsAsksForTheClustersInstancesAsWell",
            "RdsAsksForWhatAReaderIsMadeOfAsWell",
            "RdsEncryptsInsightsForIt",
            "RdsLooksAtTheKeyForIt",
        ],
        "streamflix-recovery-cutover": ["DynamoDbDecryptsForIt"],
        "streamflix-recovery-restore": ["StepFunctionsDeliversItsLog"],
        "streamflix-recovery-schedule": ["EventBridgeStartsADrill"],
        "streamflix-recovery-restore-test": [
            "BackupLetsAwsEncryptWithOurKey",
            "BackupLooksAtOurKeys",
            "BackupMakesAFileSystem",
            "BackupReadsTheCopyAndWritesTheFiles",
            "BackupRemovesWhatItRestored",
        ],
        "streamflix-gamedays": ["FisDeliversItsLog", "FisFindsTargets", "FisLooksAtAlarms"],
        "streamflix-gameday-failover": ["FisFailsTheDatabaseOver", "FisLooksAtTheDatabase"],
        "streamflix-gameday-kinesis": ["FisBreaksAnApi"],
        "streamflix-gameday-redis-zone": ["FisLooksAtRedis", "FisTakesAZoneFromRedis"],
        "streamflix-gameday-stream": ["FisLooksAtTheStream", "FisThrottlesTheStream"],
        "streamflix-gameday-task": ["FisFindsTasks", "FisStopsATask"],
        "streamflix-backup": [
            "BackupFillsTheVault",
            "BackupFindsWhatIsSelected",
            "BackupKeepsItsSnapshots",
            "BackupLetsAwsEncryptWithOurKeys",
            "BackupLooksAtClustersAndSnapshots",
            "BackupLooksAtOurKeys",
            "BackupReadsTheFiles",
            "BackupSnapshotsTheDatabase",
            "BackupTagsItsRecoveryPoints",
        ],
    }.items()
    for statement in statements
}

Finding = dict[str, Any]


@pytest.fixture(scope="module")
def judged(outputs: dict[str, str]) -> dict[str, list[Finding]]:
    done = subprocess.run(
        [
            *(str(CLOUD), "-m", "local.iam_replay"),
            *("--home", os.environ["STREAMFLIX_HOME"]),
            *("--suffix", outputs["EnvironmentSuffix"]),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    findings: dict[str, list[Finding]] = json.loads(done.stdout)
    return findings


def without_exempt(findings: list[Finding], suffix: str) -> list[Finding]:
    return [
        finding
        for finding in findings
        if (finding["policy"].removesuffix(f"-{suffix}"), finding["statement"])
        not in ONLY_AWS_CALLS
    ]


@pytest.mark.after_all
def test_every_granted_action_on_every_resource_was_used(
    judged: dict[str, list[Finding]], outputs: dict[str, str]
) -> None:
    assert without_exempt(judged["unused"], outputs["EnvironmentSuffix"]) == []


@pytest.mark.after_all
def test_without_any_one_statement_at_least_one_call_would_be_denied(
    judged: dict[str, list[Finding]], outputs: dict[str, str]
) -> None:
    assert without_exempt(judged["removable"], outputs["EnvironmentSuffix"]) == []


@pytest.mark.after_all
def test_no_call_of_a_function_was_refused(judged: dict[str, list[Finding]]) -> None:
    assert [(call["action"], call["resource"]) for call in judged["refused"]] == []


@pytest.mark.after_all
def test_no_function_called_with_the_accounts_own_credentials(
    judged: dict[str, list[Finding]],
) -> None:
    assert [(call["action"], call["resource"]) for call in judged["root_from_functions"]] == []


@pytest.mark.after_all
def test_the_exempt_statements_exist(
    judged: dict[str, list[Finding]], outputs: dict[str, str]
) -> None:
    suffix = f"-{outputs['EnvironmentSuffix']}"
    unused = {
        (finding["policy"].removesuffix(suffix), finding["statement"])
        for finding in judged["unused"]
    }

    assert unused >= ONLY_AWS_CALLS
