"""The line in stacks/schema.yaml that makes CloudFormation notice a new migration."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from account.refusal import Refusal

ROOT = Path(__file__).parent.parent
SQL = ROOT / "functions" / "schema" / "sql"
TEMPLATE = ROOT / "stacks" / "schema.yaml"

_LINE = re.compile(r'^(?P<key>\s*MigrationsSha256:\s+)"?(?P<sha>[0-9a-f]{64})"?$', re.MULTILINE)


def compute(directory: Path) -> str:
    """SHA-256 of the migrations, as `sha256sum *.sql | sha256sum` prints it in their directory."""
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(directory.glob("*.sql"))
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def check(directory: Path, template: Path) -> None:
    """Raises: `Refusal` when the template names other migrations than lie in the directory."""
    if _find(template.read_text())["sha"] != compute(directory):
        raise Refusal(
            f"{template.name} names other migrations than {directory.name}/ holds: "
            "run python -m account migrations-sha --write."
        )


def write(directory: Path, template: Path) -> bool:
    """Make the template true. Returns whether it was not."""
    text = template.read_text()
    line = _find(text)
    fresh = f"{text[: line.start()]}{line['key']}{compute(directory)}{text[line.end() :]}"
    if line["sha"] == compute(directory):
        return False
    template.write_text(fresh)
    return True


def _find(text: str) -> re.Match[str]:
    lines = list(_LINE.finditer(text))
    if len(lines) != 1:
        raise Refusal(
            f"The template has {len(lines)} lines `MigrationsSha256: <64 hex digits>`, "
            "and must have one."
        )
    return lines[0]
