"""The account owner's commands, run as the owner of the laptop's account."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from local.complaint import Complaint

if TYPE_CHECKING:
    from pathlib import Path

    from local.instance import Instance


REACH_PACKAGES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def command(instance: Instance) -> list[str]:
    """Deploys as an account's owner does; the environment makes it build for this machine."""
    return [
        *(str(instance.root / ".local/venvs/sam/bin/python"), "-m", "account", "deploy"),
        *("--env", "local", "--work", str(instance.home)),
        *("--outputs", str(outputs_file(instance))),
    ]


def last_seconds(instance: Instance) -> float | None:
    """How long the last `sam deploy` took; None before the first."""
    return float(_timing(instance).read_text()) if _timing(instance).exists() else None


def account(instance: Instance, *arguments: str) -> None:
    """Run one of the account owner's commands as the owner of the laptop's account."""
    python = instance.root / ".local/venvs/sam/bin/python"
    _run(
        instance,
        arguments[0],
        [str(python), "-m", "account", *arguments, "--env", "local"],
        {"YES": "1"},
    )


def build_env(instance: Instance) -> dict[str, str]:
    """What makes `sam build` take the host's libraries: the laptop's functions run right here.

    How packages are reached from this machine (mirrors, proxies, certificates) is inherited.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("UV_", "PIP_")) or name.upper() in REACH_PACKAGES
    }
    return inherited | {
        "NO_PROXY": "127.0.0.1,localhost",
        "SAM_CLI_TELEMETRY": "0",
        "STREAMFLIX_BUILD": "host",
        "STREAMFLIX_EXTRA_CA": str(instance.ca),
        "STREAMFLIX_UV": str(instance.root / ".local/uv/bin/uv"),
        "STREAMFLIX_HOST_PYTHON": str(instance.root / ".local/venvs/cloud/bin/python"),
    }


def outputs_file(instance: Instance) -> Path:
    """Where tests and scripts find the outputs; only the main instance has the public place."""
    base = instance.root if instance.name == "main" else instance.home
    return base / "cfn-outputs" / "flat-outputs.json"


def _timing(instance: Instance) -> Path:
    return instance.home / "deploy-seconds"


def _run(instance: Instance, name: str, command: list[str], extra: dict[str, str]) -> None:
    log = instance.logs / f"{name}.log"
    verbose = os.environ.get("VERBOSE") == "1"
    with log.open("wb") as sink:
        done = subprocess.run(
            command,
            cwd=instance.root,
            env=instance.child_env(extra),
            stdin=subprocess.DEVNULL,
            stdout=None if verbose else sink,
            stderr=None if verbose else subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise Complaint(
            f"{name} failed:\n{_tail(log)}",
            f"The whole output stands in {log}; VERBOSE=1 shows it while it runs.",
        )


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
