"""The line in stacks/privacy-upkeep.yaml that has a deploy compare the database with a new map."""

from __future__ import annotations

import hashlib
from pathlib import Path

from account import pinned

ROOT = Path(__file__).parent.parent
FILE = ROOT / "functions" / "privacy" / "data_map.yaml"
TEMPLATE = ROOT / "stacks" / "privacy-upkeep.yaml"
KEY = "DataMapSha256"
COMMAND = "python -m account data-map-sha"


def compute(file: Path) -> str:
    """SHA-256 of the map, as `sha256sum` prints it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def check(file: Path, template: Path) -> None:
    """Raises: `Refusal` when the template names another map."""
    pinned.check(template, KEY, compute(file), COMMAND)


def write(file: Path, template: Path) -> bool:
    """Make the template true. Returns whether it was not."""
    return pinned.write(template, KEY, compute(file))
