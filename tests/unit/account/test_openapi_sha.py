"""The deployments' names follow openapi.yaml, so that a changed file is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from account import openapi_sha
from account.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path

TEMPLATE = """\
Resources:
  PlainDeployment{sha}: {{Type: AWS::ApiGateway::Deployment}}
  SecureDeployment{sha}: {{Type: AWS::ApiGateway::Deployment}}
  Stage:
    DeploymentId: !If [HasServiceHostName, !Ref SecureDeployment{sha}, !Ref PlainDeployment{sha}]
"""
STALE = "0" * 10


@pytest.fixture
def openapi(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.yaml"
    path.write_text("openapi: 3.0.1\n")
    return path


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "api.yaml"
    path.write_text(TEMPLATE.format(sha=STALE))
    return path


def test_writing_renames_the_deployments_everywhere_and_once(openapi: Path, template: Path) -> None:
    assert openapi_sha.write(openapi, template)

    assert template.read_text() == TEMPLATE.format(sha=openapi_sha.compute(openapi))
    assert not openapi_sha.write(openapi, template)
    openapi_sha.check(openapi, template)


def test_any_change_of_the_file_is_another_name(openapi: Path, template: Path) -> None:
    openapi_sha.write(openapi, template)
    openapi.write_text("openapi: 3.0.1 # looks the same\n")

    with pytest.raises(Refusal, match=r"run python -m account\.openapi_sha --write"):
        openapi_sha.check(openapi, template)


@pytest.mark.parametrize("kind", ["Plain", "Secure"])
def test_a_template_that_lacks_a_deployment_is_refused(
    openapi: Path, template: Path, kind: str
) -> None:
    text = template.read_text().replace(f"{kind}Deployment", "Other")
    template.write_text(text)

    with pytest.raises(Refusal, match="must have the deployments"):
        openapi_sha.write(openapi, template)
    assert template.read_text() == text


def test_the_command_checks_and_writes(
    openapi: Path, template: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(openapi_sha, "OPENAPI", openapi)
    monkeypatch.setattr(openapi_sha, "TEMPLATE", template)

    assert openapi_sha.main([]) == 1
    assert "--write" in capsys.readouterr().err
    assert openapi_sha.main(["--write"]) == 0
    assert openapi_sha.main([]) == 0
