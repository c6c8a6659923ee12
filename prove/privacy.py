"""`make prove ROOM=privacy`: killed at every call, a thousand races, every store searched.

Runs the room's integration tests at full scale, then deploys on a laptop cloud of its own, lets the
demo's person be forgotten there, and lets schemathesis loose on the API. Takes about 15 minutes.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

from local.instance import Instance
from prove.platform import laptop

FULL = {"PRIVACY_CRASH_POINTS": "0", "PRIVACY_RACES": "1000"}
EXAMPLES = "PRIVACY_EXAMPLES=200"
COUNTED = ("points", "killed", "races", "cancelled", "fenced", "calls")


def prove(root: Path) -> tuple[str, bool]:
    """The page, and whether everything held."""
    with tempfile.TemporaryDirectory() as folder:
        stores, api = Path(folder) / "stores.xml", Path(folder) / "api.xml"
        suites = subprocess.run(
            [*pytest(root, stores), "tests/integration/privacy"],
            cwd=root,
            env=os.environ | FULL,
            check=False,
        )
        canary, searched = _deployed(root, api)
        found = numbers(stores) | numbers(api)
    proven = suites.returncode == 0 and searched
    verdict = "Everything held." if proven else "NOT PROVEN: see the output."
    figures = {name: found.get(name, "an unknown number of") for name in COUNTED}
    answers = "\n".join(
        "| {} | {} | {} |".format(*value.split("|"))
        for name, value in sorted(found.items())
        if name.startswith("answer-")
    )
    return TEXT.format(verdict=verdict, canary=canary, answers=answers, **figures), proven


def _deployed(root: Path, report: Path) -> tuple[str, bool]:
    """What the demo's chapter printed on a platform of its own, and whether it and the API held."""
    instance = Instance.named("prove", root=root)
    laptop(instance, "up")
    try:
        laptop(instance, "deploy")
        run = (*_python(root), "-m", "local", "--instance", "prove", "run", "--")
        api = subprocess.run(  # `local run` keeps the caller's environment out
            [*run, "env", EXAMPLES, *pytest(root, report), "tests/e2e/privacy"],
            cwd=root,
            check=False,
        )
        chapter = subprocess.run(
            [*run, *_python(root), "-m", "prove.chapter"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        laptop(instance, "down")
    return chapter.stdout.strip() or chapter.stderr, not (chapter.returncode or api.returncode)


def pytest(root: Path, report: Path) -> tuple[str, ...]:
    python = str(root / ".local/venvs/dev/bin/python")
    return (python, "-m", "pytest", "-v", "-o", "junit_family=xunit1", "--junitxml", str(report))


def _python(root: Path) -> tuple[str, ...]:
    return (str(root / ".local/venvs/cloud/bin/python"),)


def numbers(report: Path) -> dict[str, str]:
    return {
        each.attrib["name"]: each.attrib["value"]
        for each in ET.parse(report).getroot().iter("property")
    }


TEXT = """# Proof: privacy

Written by `make prove ROOM=privacy`: real PostgreSQL and Valkey, the laptop's DynamoDB, KMS, Step
Functions and API Gateway, the template as it stands. {verdict}

## Killed at every call

SIGKILL before and after each recorded call to AWS, PostgreSQL, Redis and the file system ({points}
points, {killed} of them reached), then the workflow goes on: each time it ended completed, nothing
of the person was left, and the receipt counted what an erasure counts that nobody disturbed.

## Cancel against fence

{races} races at moments that a seed decides: {cancelled} were cancelled, {fenced} were fenced, none
both and none neither.

## Every store, before and after

`before` counts spellings of the person's marks: as they are, in any case, in base64 at three
offsets, hex, URL-escaped, ids with and without dashes and as bytes, hashes of the address, inside
gzip. `control` counts marks that were planted in the stores that must never hold any, so that a
search that sees nothing there is believed. The playback stream is not searched: it keeps events
for seven days, and the fence stands behind it.

```
{canary}
```

## The API against its file

schemathesis called the API {calls} times with requests that fit openapi.yaml and with requests that
do not: no answer was a server's error, none was one that the file does not describe.

| operation | status | answers |
|---|---:|---:|
{answers}
"""
