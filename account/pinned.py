"""A line in a template that makes CloudFormation notice another content of a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from account.refusal import Refusal

if TYPE_CHECKING:
    from pathlib import Path


def check(template: Path, key: str, sha256: str, command: str) -> None:
    """Raises: `Refusal` when the template names another content."""
    if _find(template.read_text(), key)["sha"] != sha256:
        raise Refusal(f"{template.name} names another {key}: run {command} --write.")


def write(template: Path, key: str, sha256: str) -> bool:
    """Make the template true. Returns whether it was not."""
    text = template.read_text()
    line = _find(text, key)
    if line["sha"] == sha256:
        return False
    template.write_text(f"{text[: line.start()]}{line['key']}{sha256}{text[line.end() :]}")
    return True


def _find(text: str, key: str) -> re.Match[str]:
    pattern = rf'^(?P<key>\s*{key}:\s+)"?(?P<sha>[0-9a-f]{{64}})"?$'
    lines = list(re.finditer(pattern, text, re.MULTILINE))
    if len(lines) != 1:
        raise Refusal(
            f"The template has {len(lines)} lines `{key}: <64 hex digits>`, and must have one."
        )
    return lines[0]
