"""`make up` can be repeated and interrupted; `make down` leaves no process and no state."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.eventually import eventually
from tests.ports import free_range, is_free

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SAM = ROOT / ".local/venvs/sam/bin/python"
CLOUD = ROOT / ".local/venvs/cloud/bin/python"
INSTANCE = "updown"
HOME = ROOT / ".local" / INSTANCE


@pytest.fixture(scope="module")
def base() -> str:
    return str(free_range(100))


@pytest.fixture(autouse=True)
def clean(base: str) -> Iterator[None]:
    yield
    local("down", base)


def local(command: str, base: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(CLOUD), "-m", "local", "--instance", INSTANCE, command, *arguments],
        cwd=ROOT,
        env={**os.environ, "STREAMFLIX_PORT_BASE": base},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_a_second_up_finds_the_first_and_a_shell_reaches_it(base: str) -> None:
    assert "is up in" in local("up", base)
    assert "is up already" in local("up", base)

    script = (
        f'. {HOME}/env && exec {CLOUD} -c "import boto3, json;'
        " print(json.dumps([s['Name'] for s in"
        " boto3.client('secretsmanager').list_secrets()['SecretList']]))\""
    )
    names = json.loads(subprocess.check_output(["sh", "-c", script], text=True))
    logins = [f"aurora/{n}" for n in ("analytics", "app", "master", "privacy", "recovery")]
    expected = [f"streamflix/local/{n}" for n in (*logins, "redis/app", "redis/ops")]
    assert sorted(names) == expected

    status = local("status", base)
    assert f"127.0.0.1:{int(base) + 50}" in status


def test_an_up_after_a_killed_launcher_starts_afresh(base: str) -> None:
    local("up", base)
    killed = processes()["launcher"]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: not alive(killed), within=10)

    said = local("up", base)

    assert "did not end cleanly" in said
    assert "is up in" in said


def test_down_leaves_no_process_and_no_state(base: str) -> None:
    local("up", base)
    started = processes()
    launcher = started["launcher"]

    local("down", base)

    assert {name: pid for name, pid in started.items() if alive(pid)} == {}
    assert session_of(launcher) == []
    assert not HOME.exists()
    assert all(is_free(port) for port in range(int(base) + 50, int(base) + 100))


def test_a_deploy_removes_what_a_failed_first_deploy_left(base: str) -> None:
    local("up", base)
    script = (
        "import boto3, json\n"
        "from account import deploy, guard, tree, view\n"
        "account = guard.identify('local', boto3.session.Session())\n"
        "stacks = account.client('cloudformation')\n"
        "nobody = 'arn:aws:lambda:eu-central-1:000000000000:function:nobody'\n"
        "broken = {'Type': 'Custom::X', 'Properties': {'ServiceToken': nobody}}\n"
        "stacks.create_stack(StackName='streamflix-local',"
        " TemplateBody=json.dumps({'Resources': {'Broken': broken}}))\n"
        "deploy.settle(account, 'streamflix-local', view.Terminal())\n"
        "print(tree.root(stacks, 'streamflix-local').exists)\n"
    )

    said = subprocess.check_output(
        [str(CLOUD), "-m", "local", "--instance", INSTANCE, "run", "--", str(SAM), "-c", script],
        cwd=ROOT,
        text=True,
    )

    assert said.splitlines()[-2:] == ["An earlier deploy failed: removing what it left.", "False"]


def processes() -> dict[str, int]:
    content = json.loads((HOME / "processes.json").read_text())
    return {name: entry["pid"] for name, entry in content.items()}


def session_of(leader: int) -> list[int]:
    """Whoever still runs in the launcher's session: functions' sandboxes would show here."""
    look = "import psutil; print(*psutil.pids())"
    pids = subprocess.check_output([str(CLOUD), "-c", look], text=True).split()
    return [int(pid) for pid in pids if _session(int(pid)) == leader and alive(int(pid))]


def _session(pid: int) -> int | None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return None


def alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/status")
        return "State:\tZ" not in status.read_text() if status.exists() else True
    return False
