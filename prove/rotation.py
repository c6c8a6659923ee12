"""`make prove ROOM=rotation`: every crash point, every lifetime of a cache and every gap.

Runs the rotation's integration tests at full scale, on a laptop cloud of their own, and writes what
they recorded into docs/proof/rotation.md. Takes about 20 minutes; each test says when it ends.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

FULL = {"ROTATION_CRASH_POINTS": "0", "ROTATION_WINDOWS": "1"}
COLUMNS = ("attempts", "failed", "window_seconds", "points", "killed", "locked out")

Row = dict[str, str]


def prove(root: Path) -> tuple[str, bool]:
    """The page, and whether everything held."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            [
                *(str(root / ".local/venvs/dev/bin/python"), "-m", "pytest", "-v"),
                *("-o", "junit_family=xunit1", "--junitxml", str(report)),
                *(f"tests/integration/rotation/test_{each}.py" for each in ("window", "crash")),
            ],
            cwd=root,
            env=os.environ | FULL,
            check=False,
        )
        proven = done.returncode == 0
        verdict = "Everything held." if proven else "NOT PROVEN: a test failed, see its output."
        windows, crashes = _table(report, 0), _table(report, 3)
    return TEXT.format(verdict=verdict, windows=windows, crashes=crashes), proven


def _table(report: Path, first: int) -> str:
    columns = COLUMNS[first : first + 3]
    lines = [f"| test | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for name, row in _rows(report):
        if columns[0] in row:
            lines.append(f"| {name} | {' | '.join(_short(row[each]) for each in columns)} |")
    return "\n".join(lines)


def _rows(report: Path) -> list[tuple[str, Row]]:
    return [
        (
            case.attrib["name"].removeprefix("test_").replace("_", " "),
            {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")},
        )
        for case in ET.parse(report).getroot().iter("testcase")
    ]


def _short(value: str) -> str:
    return f"{float(value):.3f}" if "." in value else value


TEXT = """# Proof: rotation

Written by `make prove ROOM=rotation`: real PostgreSQL and Valkey, the laptop's Secrets Manager and
ElastiCache, the very code of the function. {verdict}

## Logins while a credential changes hands

Six clients log in every 30 ms. In brackets: login, seconds that a client caches the secret, seconds
between two steps. A bare client never reads again because it was refused; ours does. The naive
rotation is the positive control: the run is void unless it fails.

{windows}

## Killed at every call

SIGKILL before and after each recorded call to AWS, PostgreSQL and Redis, then a recovery with the
same token or after an operator took AWSPENDING away. All killed rotations converged, and our client
got in after every kill. Locked out counts bare clients that hold AWSCURRENT until the recovery.

{crashes}
"""
