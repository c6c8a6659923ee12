"""SAM CLI as a child process: its words go to a log, its end to us."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parent.parent
TAIL_LINES = 15
LOOK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Sam:
    """Runs SAM CLI of this very environment; `work` keeps the build and the logs."""

    environment: str
    work: Path
    tell: Callable[[], None]

    @property
    def template(self) -> Path:
        return self.work / "build" / "template.yaml"

    def build(self) -> None:
        """Raises: `Refusal` with the end of the log."""
        self._run("build", "--build-dir", str(self.template.parent))

    def deploy(self, *more: str) -> None:
        """Never asks: who calls this has asked. Raises: `Refusal` with the end of the log."""
        self._run(
            "deploy",
            *("--template-file", str(self.template)),
            *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", self.environment),
            "--no-confirm-changeset",
            *more,
        )

    def _run(self, verb: str, *arguments: str) -> None:
        log = self.work / "logs" / f"sam-{verb}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        verbose = os.environ.get("VERBOSE") == "1"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("sam")), verb, *arguments],
                cwd=ROOT,
                env=environment_of(self.environment, os.environ),
                stdin=subprocess.DEVNULL,
                stdout=None if verbose else sink,
                stderr=None if verbose else subprocess.STDOUT,
            )
            try:
                self._wait(process)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if process.returncode:
            raise Refusal(
                f"sam {verb} failed:\n{_tail(log)}\n"
                f"The whole output stands in {log}; VERBOSE=1 shows it while it runs."
            )

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        while True:
            try:
                process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                self.tell()
            else:
                return


def environment_of(environment: str, inherited: Mapping[str, str]) -> dict[str, str]:
    """What the child sees. For an account, nothing that makes a build fit the laptop instead."""
    uv = ROOT / ".local/uv/bin/uv"
    found = dict(inherited) | {"SAM_CLI_TELEMETRY": "0"}
    if environment != "local":
        found = {name: text for name, text in found.items() if not name.startswith("STREAMFLIX_")}
        found["STREAMFLIX_UV"] = str(uv) if uv.exists() else "uv"
    return found


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
