"""The preflight's look at the seven secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from account import preflight, secrets
from account.preflight import logins
from account.preflight.finding import Look
from tests.unit.account.looking import findings, plan, verdicts

if TYPE_CHECKING:
    from tests.unit.account.answers import Answers


def secret(login: str, **changes: str) -> str:
    return json.dumps(json.loads(secrets.content(login)) | changes)


@pytest.mark.parametrize("login", secrets.LOGINS)
def test_what_make_secrets_creates_is_well_formed(login: str) -> None:
    assert logins.faults(login, secrets.content(login), "master") == []


@pytest.mark.parametrize(
    ("login", "text", "fault"),
    [
        ("app", "user:pass", "is not JSON"),
        ("app", "[]", "is no JSON object"),
        ("app", "{}", "lacks username"),
        ("app", '{"username": "app"}', "lacks password"),
        ("app", '{"username": "app", "password": 7}', "lacks password"),
        ("app", secret("app", username="root"), "names another user than app"),
        ("master", secret("master", username="postgres"), "names another user than master"),
        ("app", secret("app", engine="mysql"), "has another engine than postgres"),
        ("app", secret("app", dbname="other"), "has another dbname than streamflix"),
        ("app", secret("app", password="Aa1Bb2Cc3Dd4Ee5"), "has a password of 15 characters"),
        ("app", secret("app", password="Aa1Bb2Cc3" * 12), "has a password of 108 characters"),
        ("app", secret("app", password="Aa1Bb2Cc3Dd4Ee5F/"), "a character in its password"),
        ("app", secret("app", password="Aa1Bb2Cc3Dd4Ee5Fü"), "a character in its password"),
        ("redis/ops", secret("redis/ops", password="Aa1Bb2Cc3Dd4Ee5F,"), "a character in its"),
        ("app", secret("app", password="aaaaaaaaaaaaaaaaaaaa"), "a password that can be guessed"),
        ("app", secret("app", password="Kq7vWz2LmXcapp9RtYhN"), "a password that can be guessed"),
    ],
)
def test_a_malformed_secret_is_told_without_its_content(login: str, text: str, fault: str) -> None:
    found = "; ".join(logins.faults(login, text, "master"))

    assert fault in found
    if text.startswith("{") and "password" in text:
        assert str(json.loads(text).get("password")) not in found


def test_a_login_that_alternates_may_be_its_twin_and_the_others_may_not() -> None:
    twin = secret("analytics", username="analytics_clone")

    assert logins.faults("analytics", twin, "master") == []
    assert logins.faults("app", secret("app", username="app_clone"), "master") != []


def test_secrets_that_make_secrets_made_pass_every_check(dev: Any, vault: Any) -> None:
    list(secrets.provide(dev))

    found = list(preflight.examine(Look(dev, plan()), logins.CHECKS))

    assert verdicts(found) == ["ok"] * 10


def test_a_missing_secret_fails_with_the_command_that_makes_it(dev: Any, vault: Any) -> None:
    list(secrets.provide(dev))
    vault.delete_secret(SecretId="streamflix/dev/aurora/app", ForceDeleteWithoutRecovery=True)

    found = list(preflight.examine(Look(dev, plan()), logins.CHECKS))

    (bad,) = [each for each in found if each.verdict == "FAIL"]
    assert (bad.check, bad.remedy) == ("secret app", "make secrets ENV=dev")


def test_a_secret_that_is_being_deleted_fails_with_the_command_that_brings_it_back(
    dev: Any, vault: Any
) -> None:
    list(secrets.provide(dev))
    vault.delete_secret(SecretId="streamflix/dev/redis/ops")

    found = list(preflight.examine(Look(dev, plan()), logins.CHECKS[:1]))

    (bad,) = [each for each in found if each.verdict == "FAIL"]
    assert "restore-secret" in bad.remedy


def test_a_parameter_that_names_another_secret_fails(dev: Any, vault: Any, book: Any) -> None:
    list(secrets.provide(dev))
    book.put_parameter(Name="/streamflix/dev/secret-arn/app", Value="arn:old", Overwrite=True)
    book.delete_parameter(Name="/streamflix/dev/secret-arn/master")

    found = list(preflight.examine(Look(dev, plan()), logins.CHECKS[1:2]))

    assert {(each.check.rsplit("/", 1)[-1], each.found) for each in found} == {
        ("app", "names another secret"),
        ("master", "missing"),
    }
    assert verdicts(found) == ["FAIL", "FAIL"]


def test_a_password_that_waits_for_promotion_stops_a_deploy(answers: Answers) -> None:
    answers["secretsmanager.describe_secret"] = lambda **asked: {
        "VersionIdsToStages": {
            "1" * 32: ["AWSCURRENT"],
            **({"2" * 32: ["AWSPENDING"]} if asked["SecretId"].endswith("aurora/app") else {}),
        },
    }

    (found,) = findings(answers, logins.CHECKS, "rotation in flight")

    assert (found.verdict, found.found) == ("FAIL", "AWSPENDING differs from AWSCURRENT: app")
    assert "`make rotate SECRET=app ENV=dev` goes on with it." in found.remedy


def test_a_pending_label_on_the_current_version_is_no_rotation(answers: Answers) -> None:
    answers["secretsmanager.describe_secret"] = {
        "VersionIdsToStages": {"1" * 32: ["AWSCURRENT", "AWSPENDING"]}
    }

    assert verdicts(findings(answers, logins.CHECKS, "rotation in flight")) == ["ok"]


@pytest.mark.parametrize(
    ("key", "told", "verdict"),
    [
        ("", "", "ok"),
        ("alias/aws/secretsmanager", "", "ok"),
        ("arn:aws:kms:eu-central-1:123456789012:key/1", "", "FAIL"),
        (
            "arn:aws:kms:eu-central-1:123456789012:key/1",
            "arn:aws:kms:eu-central-1:123456789012:key/1",
            "ok",
        ),
    ],
)
def test_a_secret_under_a_key_that_the_stack_does_not_know_fails(
    answers: Answers, key: str, told: str, verdict: str
) -> None:
    answers["secretsmanager.describe_secret"] = {"KmsKeyId": key} if key else {}

    found = findings(answers, logins.CHECKS, "key of the secrets", SecretsKmsKeyArn=told)

    assert verdicts(found) == [verdict]
