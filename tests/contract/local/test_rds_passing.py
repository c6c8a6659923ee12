"""Who gives a database instance tags and a role may tag it and may pass the role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.local.conftest import allow, refusal

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

ROLE = "arn:aws:iam::000000000000:role/monitoring"
INSTANCE = "arn:aws:rds:eu-central-1:000000000000:db:passing"
CREATES = allow("rds:CreateDBInstance", INSTANCE)
TAGS = allow("rds:AddTagsToResource", INSTANCE)
PASSES = allow(
    "iam:PassRole",
    ROLE,
    Condition={"StringEquals": {"iam:PassedToService": "monitoring.rds.amazonaws.com"}},
)


def answer(cloud: Cloud, name: str, *statements: dict[str, Any], **given: Any) -> str:
    rds = cloud.session("rds", f"passing-{name}", *statements)
    return refusal(
        rds.create_db_instance,
        DBInstanceIdentifier="passing",
        DBInstanceClass="db.t4g.medium",
        Engine="mysql",
        **given,
    )


def test_an_instance_is_tagged_and_given_a_role_by_who_may_do_that(cloud: Cloud) -> None:
    tags = [{"Key": "DataClass", "Value": "personal"}]
    monitored = {"MonitoringRoleArn": ROLE, "MonitoringInterval": 60}

    assert "AccessDenied" in answer(cloud, "untagging", CREATES, PASSES, Tags=tags)
    assert "AccessDenied" in answer(cloud, "unpassing", CREATES, TAGS, **monitored)
    of_others = PASSES | {"Condition": {"StringEquals": {"iam:PassedToService": "rds"}}}
    assert "AccessDenied" in answer(cloud, "passing-on", CREATES, of_others, **monitored)
    assert answer(cloud, "all", CREATES, TAGS, PASSES, Tags=tags, **monitored) == "none"
    cloud.client("rds").delete_db_instance(DBInstanceIdentifier="passing", SkipFinalSnapshot=True)


def test_a_role_is_passed_anew_when_an_instance_changes(cloud: Cloud) -> None:
    cloud.client("rds").create_db_instance(
        DBInstanceIdentifier="passing", DBInstanceClass="db.t4g.medium", Engine="mysql"
    )
    changes = allow("rds:ModifyDBInstance", INSTANCE)
    change = {"DBInstanceIdentifier": "passing", "MonitoringRoleArn": ROLE}

    unpassing = cloud.session("rds", "passing-change", changes)
    passing = cloud.session("rds", "passing-change-all", changes, PASSES)

    assert "AccessDenied" in refusal(unpassing.modify_db_instance, **change)
    assert refusal(passing.modify_db_instance, **change) == "none"
    cloud.client("rds").delete_db_instance(DBInstanceIdentifier="passing", SkipFinalSnapshot=True)
