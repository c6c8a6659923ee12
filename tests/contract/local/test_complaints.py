"""What stands in the way of `make up` is told in one message with its remedy, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
CLOUD = ROOT / ".local/venvs/cloud/bin/python"
INSTANCE = "complaints"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def no_trace() -> Iterator[None]:
    yield
    shutil.rmtree(ROOT / ".local" / INSTANCE, ignore_errors=True)


def local(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(CLOUD), "-m", "local", "--instance", INSTANCE, *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def one_message(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


def test_a_port_in_use_is_named_with_its_owner_and_another_range(taken: int) -> None:
    said = one_message(local("up", STREAMFLIX_PORT_BASE=str(taken - 50)))

    assert f"Port {taken} is in use" in said
    assert f"(pid {os.getpid()})" in said
    assert "STREAMFLIX_PORT_BASE=" in said.split("choose another range:")[1]


@pytest.mark.parametrize("base", ["banana", "80", "70000"])
def test_an_impossible_port_base_is_refused(base: str) -> None:
    said = one_message(local("up", STREAMFLIX_PORT_BASE=base))

    assert base in said
    assert "1024" in said


def test_a_full_disk_is_told_before_anything_starts() -> None:
    script = (
        "import shutil; from pathlib import Path; from types import SimpleNamespace\n"
        "shutil.disk_usage = lambda _: SimpleNamespace(free=300 * 1024**2)\n"
        "from local import doctor\n"
        "from local.complaint import Complaint\n"
        "try: doctor.examine(Path('.'), range(0))\n"
        "except Complaint as complaint: print(complaint)\n"
    )
    said = subprocess.run(
        [str(CLOUD), "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert "Only 300 MiB are free" in said
    assert "needs 2 GiB" in said


def test_commands_on_a_cloud_that_is_down_say_how_to_start_it() -> None:
    for command in (["status"], ["deploy"], ["run", "true"]):
        assert one_message(local(*command)) == "The laptop cloud is down. Start it: make up"


def test_down_on_a_cloud_that_is_down_is_no_error() -> None:
    done = local("down")

    assert done.returncode == 0
    assert "0 processes ended" in done.stdout


def test_down_ends_what_a_half_dead_run_left_behind_and_nobody_else() -> None:
    left_behind = subprocess.Popen(["sleep", "60"])
    stranger = subprocess.Popen(["sleep", "60"])
    home = ROOT / ".local" / INSTANCE
    home.mkdir(parents=True, exist_ok=True)
    record(home, "left-behind", left_behind.pid)
    reused = json.loads((home / "processes.json").read_text())["left-behind"]
    reused.update(pid=stranger.pid, created=reused["created"] - 1000)
    content = {**json.loads((home / "processes.json").read_text()), "reused-pid": reused}
    (home / "processes.json").write_text(json.dumps(content))

    try:
        done = local("down")

        assert "1 processes ended" in done.stdout
        assert left_behind.wait(timeout=5) != 0
        assert stranger.poll() is None
        assert not home.exists()
    finally:
        stranger.kill()
        left_behind.kill()
        stranger.wait()


def record(home: Path, name: str, pid: int) -> None:
    script = (
        "import sys; from pathlib import Path; from local.supervise import Supervisor\n"
        "Supervisor(Path(sys.argv[1])).record(sys.argv[2], int(sys.argv[3]))"
    )
    subprocess.run([str(CLOUD), "-c", script, str(home), name, str(pid)], cwd=ROOT, check=True)


def test_an_old_python_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "requirements/uv.lock", tmp_path / "requirements")
    shutil.copy(ROOT / "requirements/cloud.lock", tmp_path / "requirements")
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)

    done = subprocess.run(
        ["make", "status", f"PYTHON={old}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "Python 3.9.2 is too old: install Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".local").exists()
