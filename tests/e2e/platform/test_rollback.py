"""A deploy that fails half-way goes back to where it was, database and all."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

ROOT = Path(__file__).parents[3]
SAM = ROOT / ".local/venvs/sam/bin/sam"

# The schema function refuses a number that is not its package's: a failure after the schema stack.
BROKEN = """
  Broken:
    Type: Custom::DatabaseSchema
    DependsOn: Schema
    Properties:
      ServiceToken: !Sub
        arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:streamflix-schema-migrate-${EnvironmentSuffix}
      ServiceTimeout: "60"
      ClusterResourceId: none
      MigrationsSha256: "1111111111111111111111111111111111111111111111111111111111111111"

Outputs:
"""
EXTRA_MIGRATION = "CREATE TABLE ops.left_by_a_failed_deploy (id integer PRIMARY KEY);\n"


@pytest.mark.destructive
def test_an_update_that_fails_after_the_schema_rolls_back_and_the_platform_goes_on(
    tmp_path: Path, outputs: dict[str, str], aws: Any, stage: Stage
) -> None:
    cloudformation = aws.client("cloudformation")
    stack = f"streamflix-{outputs['EnvironmentSuffix']}"

    said = deploy(broken_copy(tmp_path))

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


def broken_copy(place: Path) -> Path:
    """This very tree with one migration more, and a resource that fails after the schema."""
    for name in ("stacks", "functions", "layers", "account", "template.yaml", "samconfig.toml"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, place / name)
    (place / "functions/schema/sql/9999_left_by_a_failed_deploy.sql").write_text(EXTRA_MIGRATION)
    python = ROOT / ".local/venvs/sam/bin/python"
    subprocess.run(
        [str(python), "-m", "account", "migrations-sha", "--write"], cwd=place, check=True
    )
    template = place / "template.yaml"
    text = template.read_text()
    assert text.count("\nOutputs:\n") == 1
    template.write_text(text.replace("\nOutputs:\n", BROKEN))
    return place


def deploy(tree: Path) -> str:
    build = tree / "build"
    sam("build", "--build-dir", str(build), cwd=tree, check=True)
    done = sam(
        *("deploy", "--template-file", str(build / "template.yaml")),
        *("--config-file", str(tree / "samconfig.toml")),
        *("--config-env", os.environ.get("STREAMFLIX_ENV", "local")),
        cwd=tree,
        check=False,
    )
    assert done.returncode != 0, "the deploy was meant to fail"
    return done.stdout + done.stderr


def sam(*arguments: str, cwd: Path, check: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SAM), *arguments], cwd=cwd, check=check, capture_output=True, text=True
    )
