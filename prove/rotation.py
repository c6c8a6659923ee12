"""`make prove ROOM=rotation`: every crash point, every lifetime of a cache and every gap.

Runs the rotation's integration tests at full scale, on a laptop cloud of their own, and writes what
they recorded into docs/proof/rotation.md. Takes about 45 minutes; each test says when it ends.
Needs npm, which brings pg_stat_statements: the PostgreSQL wheel has no extensions.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

PACKAGE = "@embedded-postgres/linux-{machine}@16.14.0-beta.17"
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}
FULL = {
    "ROTATION_CRASH_POINTS": "0",
    "ROTATION_DUPLICATES": "20",
    "ROTATION_INTERLEAVINGS": "60",
    "ROTATION_WINDOWS": "1",
}
BOTO3 = "import boto3; boto3.client('secretsmanager')"
INIT = "import rotation.rotate; from streamflix import aws; aws.client('secretsmanager')"
INIT_RUNS, INIT_RATIO = 11, 1.2
SUITES = ("rotation", "untrusted_servers", "exposure", "interleavings", "window", "crash")
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
    ratio = _init_ratio(root)
    page = TEXT.format(verdict=verdict, windows=windows, crashes=crashes, ratio=ratio, boto3=BOTO3)
    return page, proven and ratio <= INIT_RATIO


def _init_ratio(root: Path) -> float:
    """CPU seconds of the function's init over those of boto3 with one client, interleaved."""
    spent: dict[str, list[float]] = {ours: [] for ours in (INIT, BOTO3)}
    env = os.environ | {
        "PYTHONPATH": f"{root}/functions:{root}/layers/core/python",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # Lambda's packages are compiled once as well
    python = str(root / ".local/venvs/dev/bin/python")
    for _ in range(INIT_RUNS):
        for code, seconds in spent.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([python, "-c", code], env=env, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(spent[INIT]) / statistics.median(spent[BOTO3])


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

The function's init costs {ratio:.2f} times the CPU of `{boto3}` in the same run (bar: 1.2).
Twenty times eight duplicates of setSecret and of finishSecret at the same moment: no error. Sixty
random orders of steps, crashes, duplicates, labels taken away and changes by hand for each of two
logins: one current version always, a live one always, and a clean rotation afterwards.

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
