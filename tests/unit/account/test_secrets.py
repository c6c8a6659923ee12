"""`python -m account secrets`: creates what is missing, never touches what is there."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from account import __main__ as command
from account import outputs, secrets
from account.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from account import guard

NAMES = {
    "master": "streamflix/dev/aurora/master",
    "app": "streamflix/dev/aurora/app",
    "analytics": "streamflix/dev/aurora/analytics",
    "privacy": "streamflix/dev/aurora/privacy",
    "recovery": "streamflix/dev/aurora/recovery",
    "redis/app": "streamflix/dev/redis/app",
    "redis/ops": "streamflix/dev/redis/ops",
}


def values(vault: Any) -> dict[str, str]:
    return {
        login: vault.get_secret_value(SecretId=name)["SecretString"]
        for login, name in NAMES.items()
    }


def parameters(book: Any) -> dict[str, str]:
    return {
        login: book.get_parameter(Name=f"/streamflix/dev/secret-arn/{login}")["Parameter"]["Value"]
        for login in NAMES
    }


def test_seven_secrets_are_made_in_the_json_that_clients_read(dev, vault) -> None:
    assert [one.created for one in secrets.provide(dev)] == [True] * 7

    for login, value in values(vault).items():
        secret = json.loads(value)
        password = secret.pop("password")
        assert len(password) == secrets.PASSWORD_LENGTH
        if login.startswith("redis/"):
            assert secret == {"username": login.removeprefix("redis/")}
        else:
            assert secret == {"engine": "postgres", "username": login, "dbname": "streamflix"}


def test_the_stack_finds_each_secret_by_its_full_arn(dev, vault, book) -> None:
    made = {one.name: one.arn for one in secrets.provide(dev)}

    assert parameters(book) == {login: made[name] for login, name in NAMES.items()}
    for login, arn in parameters(book).items():
        assert vault.describe_secret(SecretId=arn)["Name"] == NAMES[login]


def test_a_second_run_keeps_everything(dev, vault, book) -> None:
    list(secrets.provide(dev))
    before = (values(vault), parameters(book))

    again = list(secrets.provide(dev))

    assert [one.created for one in again] == [False] * 7
    assert (values(vault), parameters(book)) == before
    name = "/streamflix/dev/secret-arn/app"
    assert book.get_parameter(Name=name)["Parameter"]["Version"] == 1


def test_a_secret_that_its_owner_made_is_kept_byte_for_byte(dev, vault) -> None:
    own = '{"username":"app",   "password":"theirs", "note":"keep"}'
    vault.create_secret(Name=NAMES["app"], SecretString=own)

    made = {one.name: one.created for one in secrets.provide(dev)}

    assert not made[NAMES["app"]]
    assert sum(made.values()) == 6
    assert values(vault)["app"] == own


@pytest.mark.parametrize("died_after", range(7))
def test_a_run_that_died_anywhere_is_completed_by_the_next(
    dev, vault, book, died_after: int
) -> None:
    run = secrets.provide(dev)
    for _ in range(died_after):
        next(run)
    run.close()
    book_was_lost = f"/streamflix/dev/secret-arn/{list(NAMES)[max(0, died_after - 1)]}"
    if died_after:  # it died between the secret and its parameter
        book.delete_parameter(Name=book_was_lost)
    names = list(NAMES.values())[:died_after]
    kept = [vault.get_secret_value(SecretId=name)["SecretString"] for name in names]

    list(secrets.provide(dev))

    assert list(values(vault).values())[:died_after] == kept
    assert len(parameters(book)) == 7


def test_a_secret_made_anew_is_found_at_its_new_arn(dev, vault, book) -> None:
    list(secrets.provide(dev))
    old = parameters(book)["app"]
    vault.delete_secret(SecretId=NAMES["app"], ForceDeleteWithoutRecovery=True)

    list(secrets.provide(dev))

    assert parameters(book)["app"] != old
    assert vault.describe_secret(SecretId=parameters(book)["app"])["Name"] == NAMES["app"]


def test_a_secret_that_is_being_deleted_stops_with_the_remedy(dev, vault) -> None:
    list(secrets.provide(dev))
    vault.delete_secret(SecretId=NAMES["privacy"])

    with pytest.raises(Refusal, match=f"restore-secret --secret-id {NAMES['privacy']}"):
        list(secrets.provide(dev))


def test_a_secret_without_a_value_stops_with_the_remedy(dev, vault) -> None:
    vault.create_secret(Name=NAMES["app"])

    with pytest.raises(Refusal, match=f"{NAMES['app']} exists and holds no value"):
        list(secrets.provide(dev))


def test_two_runs_at_once_agree_on_one_secret(dev, vault, monkeypatch) -> None:
    """The other run creates it between our look and our attempt."""
    clients = {"secretsmanager": vault, "ssm": dev.client("ssm")}
    look = vault.describe_secret
    looks = []

    def late(**arguments: str) -> Any:
        looks.append(arguments["SecretId"])
        if looks == [NAMES["master"]]:
            vault.create_secret(Name=NAMES["master"], SecretString="theirs")
            raise vault.exceptions.ResourceNotFoundException({}, "DescribeSecret")
        return look(**arguments)

    monkeypatch.setattr(vault, "describe_secret", late)
    monkeypatch.setattr(type(dev), "client", lambda _, service: clients[service])

    made = {one.name: one.created for one in secrets.provide(dev)}

    assert not made[NAMES["master"]]
    assert values(vault)["master"] == "theirs"


def test_every_secret_and_parameter_is_tagged(dev, vault, book) -> None:
    list(secrets.provide(dev))

    wanted = {"Project", "Environment", "Owner", "CostCenter", "DataClass", "Retention"}
    for login, name in NAMES.items():
        tags = {tag["Key"]: tag["Value"] for tag in vault.describe_secret(SecretId=name)["Tags"]}
        assert set(tags) == wanted
        assert tags["Environment"] == "dev"
        entry = book.list_tags_for_resource(
            ResourceType="Parameter", ResourceId=f"/streamflix/dev/secret-arn/{login}"
        )
        assert {tag["Key"] for tag in entry["TagList"]} == wanted


def test_passwords_are_legal_everywhere_and_never_repeat() -> None:
    words = [secrets.password() for _ in range(500)]

    assert len(set(words)) == 500
    assert set("".join(words)) <= set(string.ascii_letters + string.digits)
    for word in words:
        assert 16 <= len(word) <= 99  # ElastiCache: at least 16; Aurora: at most 99
        assert any(letter.islower() for letter in word)
        assert any(letter.isupper() for letter in word)
        assert any(letter.isdigit() for letter in word)


# --- The command ---


def test_the_command_shows_what_it_did_and_no_secret(
    dev, vault, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YES", "1")

    assert command.main(["secrets", "--env", "dev"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "account 123456789012, region eu-central-1, environment dev"
    assert [line.split()[:2] for line in lines[1:]] == [
        [name, "created"] for name in NAMES.values()
    ]
    for value in values(vault).values():
        assert json.loads(value)["password"] not in "".join(lines)

    assert command.main(["secrets", "--env", "dev"]) == 0
    assert {line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]} == {"kept"}


def test_the_command_asks_before_it_touches_prod(
    dev: guard.Account, vault, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YES", "1")
    monkeypatch.setattr("builtins.input", lambda _: "dev")

    assert command.main(["secrets", "--env", "prod"]) == 1

    assert "Nothing was done" in capsys.readouterr().err
    assert vault.list_secrets()["SecretList"] == []


def test_the_command_says_what_aws_said_in_one_line(
    dev: guard.Account, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: object) -> Any:
        error = {"Code": "AccessDeniedException", "Message": "no"}
        raise ClientError({"Error": error}, "DescribeSecret")  # type: ignore[typeddict-item]

    monkeypatch.setenv("YES", "1")
    monkeypatch.setattr(secrets, "provide", refuse)

    assert command.main(["secrets", "--env", "dev"]) == 1

    assert "AccessDeniedException" in capsys.readouterr().err


def test_the_outputs_command_says_whose_account_and_writes_where_it_is_told(
    dev: guard.Account, tmp_path: Path, monkeypatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(_: Any, stack: str, path: Path) -> dict[str, str]:
        path.write_text(stack)
        return {"EnvironmentSuffix": "dev"}

    monkeypatch.setattr(outputs, "write", write)

    assert command.main(["outputs", "--env", "dev", "--path", str(tmp_path / "flat.json")]) == 0

    assert (tmp_path / "flat.json").read_text() == "streamflix-dev"
    assert capsys.readouterr().out.startswith("account 123456789012, region eu-central-1")
