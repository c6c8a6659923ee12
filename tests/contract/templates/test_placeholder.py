"""What runs while nobody has named an image: the command as it stands in the template."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.contract.templates import house
from tests.eventually import eventually
from tests.ports import free_range

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = 65534
OWNING_NOTHING = f"""
import http.server, os
if os.geteuid() == 0:
    os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
"""


def container() -> house.Body:
    task = house.read(house.ROOT / "stacks/service.yaml").resources()["TaskDefinition"]
    (only,) = task["Properties"]["ContainerDefinitions"]
    return dict(only)


def placeholder(name: str) -> object:
    condition, given, default = container()[name]["Fn::If"]
    assert condition == "HasServiceImage"
    assert given == ({"Ref": "ServiceImage"} if name == "Image" else {"Ref": "AWS::NoValue"})
    return default


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where the template's own command listens, run by somebody who owns nothing."""
    command = placeholder("Command")
    assert isinstance(command, list)
    port = free_range(1)
    program = command[-1].replace("8080", str(port))
    assert program != command[-1]
    process = subprocess.Popen(
        [sys.executable, *command[1:-1], OWNING_NOTHING + program],
        cwd="/",
        env={"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: status(f"{url}/health"), within=10)
        yield url
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=10)
    assert said == b"", "it logs nothing, so no address and no URL"


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_it_answers_the_health_check_and_nothing_else(address: str) -> None:
    group = house.read(house.ROOT / "stacks/balancer.yaml").resources()["TargetGroup"]
    path = group["Properties"]["HealthCheckPath"]

    assert status(address + path) == 200
    assert status(f"{address}/accounts/1") == 404


def test_its_own_health_check_agrees(address: str) -> None:
    check = placeholder("HealthCheck")
    assert isinstance(check, dict)
    kind, program, *arguments = check["Command"]
    port = address.rpartition(":")[2]

    def passes(port: str) -> bool:
        given = [each.replace("8080", port) for each in arguments]
        return (
            subprocess.run([sys.executable, *given], check=False, capture_output=True).returncode
            == 0
        )

    assert (kind, program) == ("CMD", "python3")
    assert passes(port)
    assert not passes("1")


def test_it_is_pinned_by_its_digest_in_a_registry_that_asks_for_no_login() -> None:
    image = str(placeholder("Image"))

    assert re.fullmatch(r"public\.ecr\.aws/docker/library/python@sha256:[0-9a-f]{64}", image)
