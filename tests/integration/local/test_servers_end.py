"""Nothing outlives the one who started it, and what cannot start says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.eventually import eventually
from tests.integration.local.databases import (
    PYTHON,
    ROOT,
    Databases,
    end,
    running,
    start,
)
from tests.ports import free_range

if TYPE_CHECKING:
    from pathlib import Path

WITHIN = 20
"""Seconds until everything has ended."""


def _left(pids: list[int]) -> list[int]:
    return [pid for pid in pids if running(pid)]


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_the_servers_end_with_the_process_that_runs_them(tmp_path: Path, by: int) -> None:
    databases = start(tmp_path, free_range(50))
    pids = list(databases.recorded().values())
    assert len(pids) == 3 + 3 + 1  # PostgreSQL, Valkey, the guard
    assert _left(pids) == pids
    state = (tmp_path / "state").resolve()
    assert state.exists()

    os.kill(databases.process.pid, by)

    eventually(lambda: _left(pids), WITHIN, lambda left: not left)
    assert end(databases) == ""
    eventually(databases.recorded, WITHIN, lambda recorded: recorded == {})
    assert not state.exists()
    assert not (tmp_path / "state").is_symlink()


def test_the_servers_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.integration.local import databases;"
        "started = databases.start(Path(sys.argv[1]), int(sys.argv[2]));"
        "print(started.process.pid, *started.recorded().values(), flush=True); time.sleep(99)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path, str(free_range(50))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 1 + 7

    parent.kill()
    parent.communicate()

    eventually(lambda: _left(pids), WITHIN, lambda left: not left)


def test_a_port_in_use_is_one_clear_sentence_and_leaves_nothing(
    servers: Databases, tmp_path: Path
) -> None:
    taken = int(servers.told["postgres"]["writer"].partition(":")[2])
    command = [PYTHON, "-m", "local.servers", "--home", tmp_path, "--port-base", str(taken - 1)]

    second = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert second.returncode == 1
    assert f"Port {taken} on 127.0.0.1 cannot be used" in second.stderr
    assert "STREAMFLIX_PORT_BASE" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert Databases(tmp_path, servers.process, {}).recorded() == {}
    assert not (tmp_path / "state").exists()
    assert servers.ask("SELECT 1") == [(1,)]


def test_two_processes_that_make_the_authority_at_once_agree(tmp_path: Path) -> None:
    code = "import sys, pathlib; from local.certificates import Authority;"
    code += (
        "a = Authority.at(pathlib.Path(sys.argv[1])); a.server_context(); print(a.pem.read_text())"
    )
    command = [PYTHON, "-c", code, tmp_path / "ca"]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]

    first, second = (process.communicate()[0] for process in both)

    assert first == second != b""
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600
