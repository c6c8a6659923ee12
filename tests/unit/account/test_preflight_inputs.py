"""The preflight's look at what others bring, and at what an account has once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from account.preflight import inputs, prerequisites
from tests.unit.account.answers import Answers, Refused
from tests.unit.account.looking import findings, verdicts

DIGEST = "sha256:" + "a" * 64
CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
VAULT = "arn:aws:backup:eu-west-1:123456789012:backup-vault:copies"


@pytest.mark.parametrize(
    ("image", "verdict"),
    [
        ("", "ok"),
        (f"public.ecr.aws/x/y@{DIGEST}", "ok"),
        ("public.ecr.aws/x/y:latest", "FAIL"),
        (f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/app@{DIGEST}", "ok"),
    ],
)
def test_an_image_is_named_by_its_digest(answers: Answers, image: str, verdict: str) -> None:
    answers["ecr.describe_images"] = {"imageDetails": []}

    assert verdicts(findings(answers, inputs.CHECKS, "service image", ServiceImage=image)) == [
        verdict
    ]


@pytest.mark.parametrize("code", ["ImageNotFoundException", "RepositoryNotFoundException"])
def test_an_image_that_ecr_does_not_have_fails(answers: Answers, code: str) -> None:
    answers["ecr.describe_images"] = Refused(code)
    image = f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/app@{DIGEST}"

    (found,) = findings(answers, inputs.CHECKS, "service image", ServiceImage=image)

    assert found.verdict == "FAIL"
    assert answers.called("ecr.describe_images") == [
        {
            "registryId": "123456789012",
            "repositoryName": "app",
            "imageIds": [{"imageDigest": DIGEST}],
        }
    ]


def certificate(**changes: Any) -> dict[str, Any]:
    ends = datetime.now(UTC) + timedelta(days=300)
    one = {"DomainName": "*.example.org", "Status": "ISSUED", "NotAfter": ends}
    return {"Certificate": one | changes}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, ""),
        ({"DomainName": "x.org", "SubjectAlternativeNames": ["service.example.org"]}, ""),
        ({"Status": "PENDING_VALIDATION"}, "is PENDING_VALIDATION"),
        ({"DomainName": "other.example.org"}, "is not for service.example.org"),
        ({"NotAfter": datetime.now(UTC) + timedelta(days=5)}, "ends on "),
    ],
)
def test_a_certificate_is_issued_for_the_name_and_lives_on(
    answers: Answers, changes: dict[str, Any], complaint: str
) -> None:
    answers["acm.describe_certificate"] = certificate(**changes)

    (found,) = findings(
        answers,
        inputs.CHECKS,
        "service certificate",
        ServiceHostName="service.example.org",
        ServiceCertificateArn=CERTIFICATE,
    )

    assert found.found.startswith(complaint or "issued for")
    assert verdicts([found]) == ["FAIL" if complaint else "ok"]


def test_a_certificate_of_nowhere_fails(answers: Answers) -> None:
    answers["acm.describe_certificate"] = Refused("ResourceNotFoundException")
    asked = {"ServiceHostName": "a.org", "ServiceCertificateArn": CERTIFICATE}

    found = findings(answers, inputs.CHECKS, "service certificate", **asked)

    assert verdicts(found) == ["FAIL"]


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [({}, "ok"), ({"ServiceHostName": "a.org"}, "FAIL"), ({"ServiceCertificateArn": "a"}, "FAIL")],
)
def test_a_name_and_its_certificate_come_together(
    answers: Answers, asked: dict[str, str], verdict: str
) -> None:
    assert verdicts(findings(answers, inputs.CHECKS, "service certificate", **asked)) == [verdict]


@pytest.mark.parametrize(
    ("pattern", "host", "covered"),
    [
        ("a.example.org", "A.example.org", True),
        ("*.example.org", "a.example.org", True),
        ("*.example.org", "a.b.example.org", False),
        ("*.example.org", "example.org", False),
        ("b.example.org", "a.example.org", False),
    ],
)
def test_a_star_stands_for_one_label(pattern: str, host: str, covered: bool) -> None:
    assert inputs.covers(pattern, host) is covered


@pytest.mark.parametrize(
    ("arn", "verdict"),
    [
        ("", "ok"),
        (VAULT, "ok"),
        ("copies", "FAIL"),
        (VAULT.replace("eu-west-1", "us-east-1"), "FAIL"),
    ],
)
def test_copies_of_backups_stay_in_the_union(answers: Answers, arn: str, verdict: str) -> None:
    answers["backup.describe_backup_vault"] = {}

    found = findings(answers, inputs.CHECKS, "vault for copies", BackupCopyVaultArn=arn)

    assert verdicts(found) == [verdict]


def test_a_vault_for_copies_that_does_not_exist_fails(answers: Answers) -> None:
    answers["backup.describe_backup_vault"] = Refused("ResourceNotFoundException")

    (found,) = findings(answers, inputs.CHECKS, "vault for copies", BackupCopyVaultArn=VAULT)

    assert found.remedy.startswith("aws backup create-backup-vault --region eu-west-1")


@pytest.mark.parametrize(
    ("environment", "asked", "verdict"),
    [
        ("dev", {}, "note"),
        ("prod", {}, "FAIL"),
        ("prod", {"PageEmail": "x@example.org"}, "ok"),
        ("prod", {"PageUrl": "https://example.org"}, "ok"),
    ],
)
def test_production_without_anybody_awake_fails(
    answers: Answers, environment: str, asked: dict[str, str], verdict: str
) -> None:
    found = findings(answers, inputs.CHECKS, "on-call", environment, **asked)

    assert verdicts(found) == [verdict]
    assert "example.org" not in str(found)


def test_linked_roles_are_asked_for_what_the_templates_have(answers: Answers) -> None:
    role = {
        "Path": "/",
        "RoleName": "r",
        "RoleId": "AROA1234567890123456",
        "Arn": "arn:aws:iam::123456789012:role/r",
        "CreateDate": datetime.now(UTC),
    }
    answers["iam.get_role"] = {"Role": role}

    found = findings(answers, prerequisites.CHECKS, "service-linked roles")

    asked = {each["RoleName"] for each in answers.called("iam.get_role")}
    assert verdicts(found) == ["ok"]
    assert "AWSServiceRoleForRDS" in asked
    assert "AWSServiceRoleForElastiCache" not in asked  # no template of this test has Redis


def test_each_missing_linked_role_fails_with_the_command_that_makes_it(answers: Answers) -> None:
    answers["iam.get_role"] = Refused("NoSuchEntity")

    found = findings(answers, prerequisites.CHECKS, "service-linked roles")

    assert set(verdicts(found)) == {"FAIL"}
    assert {each.remedy.rsplit(" ", 1)[-1] for each in found} >= {
        "rds.amazonaws.com",
        "ecs.amazonaws.com",
        "backup.amazonaws.com",
    }


@pytest.mark.parametrize(
    ("settings", "asked", "verdict"),
    [
        ({"cloudwatchRoleArn": "arn:aws:iam::1:role/logs"}, "false", "ok"),
        ({}, "false", "FAIL"),
        ({}, "true", "ok"),
    ],
)
def test_api_gateway_needs_a_role_for_its_logs(
    answers: Answers, settings: dict[str, str], asked: str, verdict: str
) -> None:
    answers["apigateway.get_account"] = settings
    name = "API Gateway's logging role"

    found = findings(answers, prerequisites.CHECKS, name, ApiAccountLogging=asked)

    assert verdicts(found) == [verdict]


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ({"Aurora": True, "EFS": True}, "ok"),
        ({"Aurora": True, "EFS": False}, "FAIL"),
        ({"EFS": True}, "FAIL"),
    ],
)
def test_backup_must_be_switched_on_for_both_stores(
    answers: Answers, settings: dict[str, bool], verdict: str
) -> None:
    answers["backup.describe_region_settings"] = {"ResourceTypeOptInPreference": settings}

    assert verdicts(findings(answers, prerequisites.CHECKS, "AWS Backup opt-in")) == [verdict]


def test_a_boundary_that_does_not_exist_fails(answers: Answers) -> None:
    answers["iam.get_policy"] = Refused("NoSuchEntity")
    arn = "arn:aws:iam::123456789012:policy/cap"

    found = findings(answers, prerequisites.CHECKS, "permissions boundary", PermissionsBoundary=arn)

    assert verdicts(found) == ["FAIL"]
    assert verdicts(findings(answers, prerequisites.CHECKS, "permissions boundary")) == ["ok"]


@pytest.mark.parametrize(("logging", "verdict"), [(True, "ok"), (False, "note")])
def test_without_a_trail_there_is_a_note(answers: Answers, logging: bool, verdict: str) -> None:
    arn = "arn:aws:cloudtrail:eu-central-1:123456789012:trail/main"
    answers["cloudtrail.describe_trails"] = {"trailList": [{"Name": "main", "TrailARN": arn}]}
    answers["cloudtrail.get_trail_status"] = {"IsLogging": logging}

    assert verdicts(findings(answers, prerequisites.CHECKS, "CloudTrail")) == [verdict]
