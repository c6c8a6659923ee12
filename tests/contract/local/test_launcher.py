"""The launcher listens on loopback alone, takes nothing of its caller along, leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.contract.local.conftest import PYTHON, ROOT, Cloud, listening
from tests.eventually import eventually
from tests.ports import free_range

if TYPE_CHECKING:
    from collections.abc import Iterator

EVIL = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SESSION_TOKEN": "token",
    "AWS_ENDPOINT_URL_SSM": "http://192.0.2.1",
    "MINISTACK_REGION": "us-east-1",
    "PERSIST_STATE": "1",
    "SECRET_OF_THE_CALLER": "x",
}


def sockets(pid: int) -> Iterator[tuple[str, int]]:
    """Local addresses (as the kernel writes them) of the listening TCP sockets of a process."""
    links = [Path(f"/proc/{pid}/fd") / each for each in os.listdir(f"/proc/{pid}/fd")]  # noqa: PTH208
    own = {str(link.readlink()) for link in links if link.is_symlink()}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                address, _, port = fields[1].partition(":")
                yield address, int(port, 16)


def test_the_launcher_is_alone_and_ends_clean(tmp_path: Path) -> None:
    base = free_range(100)
    process = subprocess.Popen(
        [PYTHON, "-m", "local.launcher", "--instance", "alone", "--root", tmp_path],
        cwd=ROOT,
        env=os.environ | EVIL | {"STREAMFLIX_PORT_BASE": str(base)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: listening(base + 50), within=30)
        cloud = Cloud(base + 50, tmp_path / ".local/alone")

        assert list(sockets(process.pid)) == [("0100007F", base + 50)]
        variables = Path(f"/proc/{process.pid}/environ").read_text()
        assert "SECRET_OF_THE_CALLER" in variables  # what it was given …
        code = (
            "import os, time\n"
            "def handler(event, context):\n"
            "    if event: time.sleep(60)\n"
            "    return [os.getpid(), sorted(os.environ)]"
        )
        arn = cloud.function("alone", code, Timeout=90)
        assert ":eu-central-1:" in arn
        _, (sandbox, seen) = cloud.invoke("alone")
        assert not {*EVIL} & {*seen} - {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"}  # … stays there

        cloud.client("lambda").invoke(FunctionName="alone", InvocationType="Event", Payload="1")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - began < 8
        assert not Path(f"/proc/{sandbox}").exists()
        assert not (cloud.home / "tmp").exists()
    finally:
        process.kill()


def test_an_unknown_hook_cannot_be_turned_off(tmp_path: Path) -> None:
    done = subprocess.run(
        [PYTHON, "-m", "local.launcher", "--root", tmp_path],
        cwd=ROOT,
        env=os.environ | {"STREAMFLIX_HOOKS_OFF": "nested_stacks,nonsense"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "names no hook: nonsense" in done.stderr
