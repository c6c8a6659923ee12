"""A deploy that fails half-way goes back to where it was, database and all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from account import pinned

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

ROOT = Path(__file__).parents[3]
SAM = ROOT / ".local/venvs/sam/bin/sam"

# The schema function refuses a number that is not its package's: a failure after the schema stack.
BROKEN = {
    "Type": "Custom::DatabaseSchema",
    "DependsOn": "Operations",
    "Properties": {
        "ServiceToken": {
            "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}"
            ":function:streamflix-schema-migrate-${EnvironmentSuffix}"
        },
        "ServiceTimeout": "60",
        "ClusterResourceId": "none",
        "MigrationsSha256": "1" * 64,
    },
}
EXTRA_MIGRATION = "CREATE TABLE ops.left_by_a_failed_deploy (id integer PRIMARY KEY);\n"


@pytest.mark.destructive
def test_an_update_that_fails_after_the_schema_rolls_back_and_the_platform_goes_on(
    broken: Path, outputs: dict[str, str], aws: Any, stage: Stage
) -> None:
    cloudformation = aws.client("cloudformation")
    stack = f"streamflix-{outputs['EnvironmentSuffix']}"

    said = deploy(broken)

    status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    assert status == "UPDATE_ROLLBACK_COMPLETE", said
    children = [
        resource["ResourceStatus"]
        for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    ]
    assert {"UPDATE_COMPLETE", "CREATE_COMPLETE"} >= set(children)

    stage.put(stage.event(watched_s=5))
    stage.settle()
    assert stage.rollups()["watched_s"] == 5


@pytest.fixture
def broken() -> Path:
    """What was deployed, with one migration more and a resource that fails after the schema.

    A copy beside the build: the build refers to files of the tree by their way from there.
    """
    home = Path(os.environ["STREAMFLIX_HOME"])
    copy = home / "build-broken"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(home / "build", copy)
    schema = copy / "Operations" / "Schema"
    sql = schema / "SchemaFunction" / "schema" / "sql"
    (sql / "9999_left_by_a_failed_deploy.sql").write_text(EXTRA_MIGRATION)
    assert replace(pinned.MIGRATIONS, source=sql, template=schema / "template.yaml").write()
    for each in copy.rglob("template.yaml"):  # SAM reads JSON ten times as fast as YAML
        body = yaml.load(each.read_text(), yaml.CSafeLoader)
        if each.parent == copy:
            body["Resources"]["Broken"] = BROKEN
        each.write_text(json.dumps(body))
    return copy / "template.yaml"


def deploy(template: Path) -> str:
    environment = os.environ.get("STREAMFLIX_ENV", "local")
    done = subprocess.run(
        [
            *(str(SAM), "deploy", "--template-file", str(template), "--no-confirm-changeset"),
            *("--config-file", str(ROOT / "samconfig.toml"), "--config-env", environment),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0, "the deploy was meant to fail"
    return done.stdout + done.stderr
