"""The names in stacks/api.yaml that make API Gateway deploy a changed openapi.yaml.

A deployment is a snapshot that never changes, so CloudFormation makes a new one only under a new
logical id. The id therefore ends in the file's hash: ``python -m account.openapi_sha --write``.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

from account.refusal import Refusal

ROOT = Path(__file__).parent.parent
OPENAPI = ROOT / "openapi.yaml"
TEMPLATE = ROOT / "stacks" / "api.yaml"

_NAME = re.compile(r"\b(?P<kind>Plain|Secure)Deployment(?P<sha>[0-9a-f]{10})\b")


def compute(openapi: Path) -> str:
    """The first ten digits of the file's SHA-256, as SAM takes of a definition."""
    return hashlib.sha256(openapi.read_bytes()).hexdigest()[:10]


def check(openapi: Path, template: Path) -> None:
    """Raises: `Refusal` when the template's deployments are of another openapi.yaml."""
    if _named(template.read_text()) != {compute(openapi)}:
        raise Refusal(
            f"{template.name} deploys another {openapi.name}: "
            "run python -m account.openapi_sha --write."
        )


def write(openapi: Path, template: Path) -> bool:
    """Make the template true. Returns whether it was not."""
    text = template.read_text()
    _named(text)
    fresh = _NAME.sub(lambda name: f"{name['kind']}Deployment{compute(openapi)}", text)
    if fresh == text:
        return False
    template.write_text(fresh)
    return True


def _named(text: str) -> set[str]:
    names = list(_NAME.finditer(text))
    if {name["kind"] for name in names} != {"Plain", "Secure"}:
        raise Refusal(
            "The template must have the deployments PlainDeployment<10 hex digits> and "
            "SecureDeployment<10 hex digits>."
        )
    return {name["sha"] for name in names}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="account.openapi_sha", description=__doc__)
    parser.add_argument("--write", action="store_true", help="rename the deployments; else check")
    try:
        if parser.parse_args(arguments).write:
            write(OPENAPI, TEMPLATE)
        check(OPENAPI, TEMPLATE)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
