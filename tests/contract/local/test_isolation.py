"""Nothing that the laptop starts can reach a real account, whatever the caller's shell holds."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
CLOUD = ROOT / ".local/venvs/cloud/bin/python"
REAL_KEY = "AKIAIOSFODNN7EXAMPLE"

SHOW_CHILD = """
import json, subprocess, sys
from local.instance import Instance
script = '''
import boto3, json
services = ["s3", "sts", "secretsmanager", "rds", "kinesis", "lambda", "cloudformation"]
session = boto3.session.Session()
print(json.dumps({
    "keys": [session.get_credentials().access_key, session.get_credentials().token],
    "region": session.region_name,
    "endpoints": [session.client(s).meta.endpoint_url for s in services],
}))
'''
out = subprocess.run([sys.executable, "-c", script], env=Instance.named().child_env(),
                     check=True, capture_output=True, text=True).stdout
print(out)
"""

SHOW_SHELL = """
from local import shellenv
from local.instance import Instance
from pathlib import Path
import sys
shellenv.write(Path(sys.argv[1]), Instance.named().client_env())
"""


@pytest.fixture
def somebodys_shell(tmp_path: Path) -> dict[str, str]:
    """A developer who is logged in to production in every way that a client can find."""
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id={REAL_KEY}\naws_secret_access_key=x\n"
        f"[prod]\naws_access_key_id={REAL_KEY}\naws_secret_access_key=x\n"
    )
    (tmp_path / ".aws/config").write_text(
        "[default]\nregion=us-east-1\n[profile prod]\nregion=us-east-1\n"
        "services=real\n[services real]\ns3=\n  endpoint_url=https://s3.us-east-1.amazonaws.com\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_PROFILE": "prod",
        "AWS_ACCESS_KEY_ID": REAL_KEY,
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_SESSION_TOKEN": "y",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "https://example.amazonaws.com",
        "AWS_ENDPOINT_URL_S3": "https://s3.us-east-1.amazonaws.com",
        "AWS_ENDPOINT_URL_SECRETSMANAGER": "https://secretsmanager.us-east-1.amazonaws.com",
        "AWS_CONFIG_FILE": str(tmp_path / ".aws/config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / ".aws/credentials"),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/creds",
    }


def python(code: str, env: dict[str, str], *arguments: str) -> str:
    return subprocess.run(
        [str(CLOUD), "-c", code, *arguments],
        cwd=ROOT,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_a_child_sees_test_credentials_and_loopback_only(somebodys_shell: dict[str, str]) -> None:
    seen: dict[str, Any] = json.loads(python(SHOW_CHILD, somebodys_shell))

    assert seen["keys"] == ["test", None]
    assert seen["region"] == "eu-central-1"
    assert {url.rsplit(":", 1)[0] for url in seen["endpoints"]} == {"http://127.0.0.1"}


def test_a_shell_that_sources_the_file_is_led_to_loopback_only(
    somebodys_shell: dict[str, str], tmp_path: Path
) -> None:
    python(SHOW_SHELL, somebodys_shell, str(tmp_path / "env"))

    script = (
        f'. {tmp_path}/env && exec {CLOUD} -c "import boto3; s = boto3.session.Session();'
        " print(s.get_credentials().access_key, s.profile_name, s.region_name,"
        " *(s.client(n).meta.endpoint_url for n in ('s3', 'sts', 'secretsmanager')))\""
    )
    seen = subprocess.run(
        ["sh", "-c", script], env=somebodys_shell, check=True, capture_output=True, text=True
    ).stdout.split()

    assert seen[:3] == ["test", "default", "eu-central-1"]
    assert {url.rsplit(":", 1)[0] for url in seen[3:]} == {"http://127.0.0.1"}
