"""The Makefile as a person uses it, with the laptop cloud that the tests run on."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Said:
    """What a command printed, both streams in one, and whether it ended well."""

    text: str
    well: bool


def environment() -> str:
    return os.environ.get("STREAMFLIX_ENV", "local")


def make(target: str, **variables: str) -> Said:
    """`make <target> ENV=… NAME=value …`; on the laptop, of the instance under test."""
    given = {"ENV": environment(), **variables}
    if environment() == "local":
        instance = Path(os.environ["STREAMFLIX_HOME"]).name
        given["LOCAL"] = f".local/venvs/cloud/bin/python -m local --instance {instance}"
    done = subprocess.run(
        ["make", target, *(f"{name}={value}" for name, value in given.items())],
        cwd=ROOT,
        env=os.environ | {"YES": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Said(done.stdout + done.stderr, done.returncode == 0)
