"""What a copy in service lacks of what its source had; no change is made without need."""

from __future__ import annotations

from typing import Any

import pytest

from recovery import blueprint

GROUPS = ("sg-one", "sg-two")
INSIGHTS: dict[str, Any] = {
    "DatabaseInsightsMode": "advanced",
    "PerformanceInsightsEnabled": True,
    "PerformanceInsightsKMSKeyId": "arn:key",
    "PerformanceInsightsRetentionPeriod": 465,
}
SERVED: dict[str, Any] = {
    "BackupRetentionPeriod": 35,
    "PreferredBackupWindow": "01:00-02:00",
    "PreferredMaintenanceWindow": "sun:03:00-sun:04:00",
    "DeletionProtection": True,
    "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-two"}, {"VpcSecurityGroupId": "sg-one"}],
    **INSIGHTS,
}
INSTANCE: dict[str, Any] = {
    "PromotionTier": 1,
    "PreferredMaintenanceWindow": "sun:03:00-sun:04:00",
    "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    "AutoMinorVersionUpgrade": True,
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:role",
}


def test_a_copy_that_is_like_its_source_is_left_alone() -> None:
    assert blueprint.cluster_changes(SERVED, dict(SERVED), GROUPS) == {}
    assert blueprint.instance_changes(INSTANCE, dict(INSTANCE)) == {}


@pytest.mark.parametrize(
    ("lacks", "changes"),
    [
        ({"BackupRetentionPeriod": 1}, {"BackupRetentionPeriod": 35}),
        (
            {"PreferredBackupWindow": "22:00-23:00"},
            {"PreferredBackupWindow": "01:00-02:00"},
        ),
        (
            {"EnabledCloudwatchLogsExports": ["upgrade"]},
            {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["postgresql"]}},
        ),
        ({"EnabledCloudwatchLogsExports": ["postgresql", "upgrade", "instance"]}, {}),
        (
            {"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-quarantine"}]},
            {"VpcSecurityGroupIds": ["sg-one", "sg-two"]},
        ),
        (
            {"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-one"}]},
            {"VpcSecurityGroupIds": ["sg-one", "sg-two"]},
        ),
    ],
)
def test_a_cluster_gets_what_it_lacks_and_nothing_else(
    lacks: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert blueprint.cluster_changes(SERVED, SERVED | lacks, GROUPS) == changes


@pytest.mark.parametrize(
    "lacks", [{"DatabaseInsightsMode": "standard"}, {"PerformanceInsightsEnabled": False}]
)
def test_insights_are_asked_for_together_under_the_name_that_modify_has(
    lacks: dict[str, Any],
) -> None:
    assert blueprint.cluster_changes(SERVED, SERVED | lacks, GROUPS) == {
        "DatabaseInsightsMode": "advanced",
        "EnablePerformanceInsights": True,
        "PerformanceInsightsKMSKeyId": "arn:key",
        "PerformanceInsightsRetentionPeriod": 465,
    }


def test_what_a_source_does_not_say_is_not_asked_for() -> None:
    assert blueprint.cluster_changes({}, {"VpcSecurityGroups": []}, ()) == {}
    assert blueprint.instance_changes({}, INSTANCE) == {}


def test_protection_is_never_taken_away_from_the_copy() -> None:
    """The source has lost its own by then; whoever repeats the step must not hand that on."""
    source = SERVED | {"DeletionProtection": False}

    assert blueprint.cluster_changes(source, SERVED, GROUPS) == {}


@pytest.mark.parametrize(
    "lacks",
    [
        {"PromotionTier": 2},
        {"MonitoringInterval": 0, "MonitoringRoleArn": ""},
        {"AutoMinorVersionUpgrade": False},
    ],
)
def test_an_instance_gets_what_it_lacks_and_nothing_else(lacks: dict[str, Any]) -> None:
    changes = {key: INSTANCE[key] for key in lacks}

    assert blueprint.instance_changes(INSTANCE, INSTANCE | lacks) == changes
    assert blueprint.instance_changes(INSTANCE, INSTANCE | lacks | changes) == {}
