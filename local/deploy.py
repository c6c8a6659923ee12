"""The real `sam build` and `sam deploy`, with the unmodified template, against the laptop cloud."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from local import lifecycle
from local.complaint import Complaint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.instance import Instance


STACK = "streamflix-local"
NEVER_CAME_UP = ("CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
REACH_PACKAGES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def deploy(instance: Instance, say: Callable[[str], None]) -> float:
    """Build, deploy and write the flat outputs. Returns the seconds of `sam deploy`.

    Raises: `Complaint` when the cloud is down or a step fails; its log is named.
    """
    lifecycle.require_up(instance)
    settle(instance, say)
    say("sam build")
    _sam(instance, "build", "--build-dir", str(_build_dir(instance)))
    say("sam deploy")
    started = time.monotonic()
    _sam(
        instance,
        *("deploy", "--template-file", str(_build_dir(instance) / "template.yaml")),
        *("--config-file", str(instance.root / "samconfig.toml"), "--config-env", "local"),
    )
    seconds = time.monotonic() - started
    account(instance, "outputs", "--path", str(outputs_file(instance)))
    _timing(instance).write_text(f"{seconds:.1f}")
    return seconds


def settle(instance: Instance, say: Callable[[str], None]) -> None:
    """Let an earlier deploy that was cut off come to its end; remove a stack that never came up.

    CloudFormation refuses to touch a stack in either state, and on the laptop nothing is lost.
    """
    status = _status(instance)
    if status.endswith("_IN_PROGRESS"):
        say("An earlier deploy is still running: waiting for its end.")
    while status.endswith("_IN_PROGRESS"):
        time.sleep(1)
        status = _status(instance)
    if status in NEVER_CAME_UP:
        say("An earlier deploy failed: removing what it left.")
        _client(instance).delete_stack(StackName=STACK)
        while _status(instance):
            time.sleep(1)


def _status(instance: Instance) -> str:
    """The stack's status; empty when there is none, or none of whose resources exist yet."""
    try:
        stacks = _client(instance).describe_stacks(StackName=STACK)["Stacks"]
    except ClientError:
        return ""
    status: str = stacks[0]["StackStatus"]
    return "" if status in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else status


def _client(instance: Instance) -> Any:
    return boto3.client(
        "cloudformation",
        endpoint_url=instance.gateway_url,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


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


def _build_dir(instance: Instance) -> Path:
    return instance.home / "build"


def _sam(instance: Instance, *arguments: str) -> None:
    command = [str(instance.root / ".local/venvs/sam/bin/sam"), *arguments]
    _run(instance, f"sam-{arguments[0]}", command, build_env(instance))


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
