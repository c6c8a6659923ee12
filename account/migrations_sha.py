"""The line in stacks/schema.yaml that makes CloudFormation notice a new migration."""

from __future__ import annotations

import hashlib
from pathlib import Path

from account import pinned

ROOT = Path(__file__).parent.parent
SQL = ROOT / "functions" / "schema" / "sql"
TEMPLATE = ROOT / "stacks" / "schema.yaml"
KEY = "MigrationsSha256"
COMMAND = "python -m account migrations-sha"


def compute(directory: Path) -> str:
    """SHA-256 of the migrations, as `sha256sum *.sql | sha256sum` prints it in their directory."""
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(directory.glob("*.sql"))
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check(directory: Path, template: Path) -> None:
    """Raises: `Refusal` when the template names other migrations than lie in the directory."""
    pinned.check(template, KEY, compute(directory), COMMAND)


def write(directory: Path, template: Path) -> bool:
    """Make the template true. Returns whether it was not."""
    return pinned.write(template, KEY, compute(directory))
