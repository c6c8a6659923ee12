"""No command touches an account that it was not meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.stub import Stubber

from account import guard
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

LAPTOP = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:10000",
}


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Callable[..., boto3.session.Session]:
    def make(**changes: str) -> boto3.session.Session:
        for name, value in {**LAPTOP, **changes}.items():
            monkeypatch.setenv(name, value)
        return boto3.session.Session()

    return make


def test_the_laptops_shell_opens_the_laptops_cloud(shell, monkeypatch) -> None:
    session = shell()
    sts = session.client("sts", region_name="eu-central-1")
    monkeypatch.setattr(session, "client", lambda *_, **__: sts)
    with Stubber(sts) as stub:
        stub.add_response("get_caller_identity", {"Account": "000000000000"})

        assert guard.identify("local", session).number == "000000000000"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, "not the laptop's fixed credentials"),
        ({"AWS_SECRET_ACCESS_KEY": "somebodys-own"}, "not the laptop's fixed credentials"),
        ({"AWS_SESSION_TOKEN": "short-lived"}, "not the laptop's fixed credentials"),
        ({"AWS_ENDPOINT_URL": ""}, "sts would be called at sts.eu-central-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://10.0.0.1:4566"}, "sts would be called at 10.0.0.1"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1.evil.example"}, "127.0.0.1.evil.example"),
        ({"AWS_ENDPOINT_URL_STS": "https://sts.example.org"}, "sts would be called at sts.example"),
        ({"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "amazonaws.com, which is not this"),
        ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
    ],
)
def test_anything_that_could_lead_to_a_real_account_is_refused_for_local(
    shell, changes: dict[str, str], complaint: str
) -> None:
    with pytest.raises(Refusal, match=complaint):
        guard.identify("local", shell(**changes))


def test_every_further_client_is_looked_at_too(shell) -> None:
    session = shell(AWS_ENDPOINT_URL_SSM="https://ssm.eu-central-1.amazonaws.com")
    account = guard.Account("local", "000000000000", session)

    assert account.client("secretsmanager").meta.endpoint_url == LAPTOP["AWS_ENDPOINT_URL"]
    with pytest.raises(Refusal, match=r"^ssm would be called at ssm\.eu-central-1"):
        account.client("ssm")


@pytest.mark.parametrize("url", ["http://localhost:1", "http://[::1]:1", "http://127.8.8.8:1"])
def test_a_loopback_address_may_have_any_name(shell, url: str) -> None:
    account = guard.Account("local", "000000000000", shell(AWS_ENDPOINT_URL=url))

    assert account.client("ssm").meta.endpoint_url == url


def test_without_credentials_the_remedy_is_named() -> None:
    with pytest.raises(Refusal, match=r"^There are no AWS credentials: source \.local/env"):
        guard.identify("local", boto3.session.Session())
    with pytest.raises(Refusal, match=r"^There are no AWS credentials: log in"):
        guard.identify("dev", boto3.session.Session())


def test_an_account_is_known_by_its_number(dev: guard.Account) -> None:
    assert (dev.environment, dev.number) == ("dev", "123456789012")


def test_another_region_is_refused(real_account: None, monkeypatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    with pytest.raises(Refusal, match="The region is eu-west-1"):
        guard.identify("dev", boto3.session.Session())


def test_a_shell_without_a_region_means_ours(real_account: None, monkeypatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    account = guard.identify("dev", boto3.session.Session())

    assert account.client("ssm").meta.region_name == "eu-central-1"


def test_an_environment_that_does_not_exist_is_refused(real_account: None) -> None:
    with pytest.raises(Refusal, match="no environment 'staging'"):
        guard.identify("staging", boto3.session.Session())


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_laptops_shell_is_refused_for_an_account(shell, environment: str) -> None:
    with pytest.raises(Refusal, match="the laptop's credentials"):
        guard.identify(environment, shell())


def test_an_account_behind_an_address_that_is_not_awss_is_refused(shell) -> None:
    session = shell(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")

    with pytest.raises(Refusal, match=r"sts would be called at 127\.0\.0\.1, which is not AWS"):
        guard.identify("dev", session)


# --- Confirmation ---


def confirm(environment: str, answer: str = "", **env: str) -> list[str]:
    """What was shown and asked, in that order."""
    seen: list[str] = []

    def ask(question: str) -> str:
        seen.append(question)
        if answer == "<end of file>":
            raise EOFError
        return answer

    account = guard.Account(environment, "123456789012", None)
    guard.confirm(account, "Things will be made.", env=env, ask=ask, show=seen.append)
    return seen


def test_account_and_region_are_shown_before_the_question() -> None:
    assert confirm("dev", "dev") == [
        "account 123456789012, region eu-central-1, environment dev",
        "Things will be made. Type the environment's name to go on: ",
    ]


@pytest.mark.parametrize("answer", ["", "y", "yes", "prod", "<end of file>"])
def test_any_other_answer_changes_nothing(answer: str) -> None:
    with pytest.raises(Refusal, match="Nothing was done"):
        confirm("dev", answer)


def test_yes_in_the_environment_answers_for_dev_and_never_for_prod() -> None:
    assert len(confirm("dev", YES="1")) == 1
    with pytest.raises(Refusal):
        confirm("prod", YES="1")
    assert len(confirm("prod", "prod", YES="1")) == 2


def test_the_laptop_is_not_asked() -> None:
    assert len(confirm("local")) == 1


def test_a_developers_own_block_of_samconfig_is_an_environment(tmp_path) -> None:
    samconfig = tmp_path / "samconfig.toml"
    samconfig.write_text(
        "version = 0.1\n[default.deploy]\n[local.deploy]\n[dev.deploy]\n[anna.deploy]\n"
    )

    assert guard.environments(samconfig) == ("local", "dev", "anna")
