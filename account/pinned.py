"""Lines in templates that make CloudFormation notice another content of a file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Pin:
    """`key: <SHA-256 of the source>` in a template."""

    key: str
    source: Path
    template: Path
    digest: Callable[[Path], str]
    command: str

    @property
    def sha256(self) -> str:
        return self.digest(self.source)

    def check(self) -> None:
        """Raises: `Refusal` when the template names another content."""
        if self._line(self.template.read_text())["sha"] != self.sha256:
            raise Refusal(
                f"{self.template.name} names another {self.key}:"
                f" run python -m account {self.command} --write."
            )

    def write(self) -> bool:
        """Make the template true. Returns whether it was not."""
        text = self.template.read_text()
        line = self._line(text)
        if line["sha"] == self.sha256:
            return False
        new = f"{line['key']}{self.sha256}"
        self.template.write_text(text[: line.start()] + new + text[line.end() :])
        return True

    def _line(self, text: str) -> re.Match[str]:
        pattern = rf'^(?P<key>\s*{self.key}:\s+)"?(?P<sha>[0-9a-f]{{64}})"?$'
        lines = list(re.finditer(pattern, text, re.MULTILINE))
        if len(lines) != 1:
            raise Refusal(
                f"The template has {len(lines)} lines `{self.key}: <64 hex digits>`,"
                " and must have one."
            )
        return lines[0]


def _of_file(file: Path) -> str:
    """As `sha256sum` prints it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _of_migrations(directory: Path) -> str:
    """As `sha256sum *.sql | sha256sum` prints it in their directory."""
    lines = (f"{_of_file(path)}  {path.name}\n" for path in sorted(directory.glob("*.sql")))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


MIGRATIONS = Pin(
    key="MigrationsSha256",
    source=ROOT / "functions" / "schema" / "sql",
    template=ROOT / "stacks" / "schema.yaml",
    digest=_of_migrations,
    command="migrations-sha",
)
DATA_MAP = Pin(
    key="DataMapSha256",
    source=ROOT / "functions" / "privacy" / "data_map.yaml",
    template=ROOT / "stacks" / "privacy-upkeep.yaml",
    digest=_of_file,
    command="data-map-sha",
)
PINS = {pin.command: pin for pin in (MIGRATIONS, DATA_MAP)}
