"""Every profile's shape: created, deployed again without a change, deleted to nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

from local.instance import Instance

if TYPE_CHECKING:
    from pathlib import Path

STACK = "streamflix-local"
PROFILES = ("local", "dev", "prod")
# What production must bring of its own; nothing on the laptop looks at the values.
PRODUCTION_BRINGS = (
    "PageEmail=on-call@example.org",
    "ServiceHostName=service.example.org",
    "ServiceCertificateArn=arn:aws:acm:eu-central-1:000000000000:certificate/1",
)


@dataclass(frozen=True)
class Passage:
    """One profile's life; times in seconds."""

    profile: str
    stacks: int
    resources: int
    create: float
    again: float
    changes: int
    delete: float
    remains: int

    @property
    def clean(self) -> bool:
        return self.changes == 0 and self.remains == 0


def prove(root: Path) -> tuple[str, bool]:
    """The document, and whether every profile came, stayed and went as it should."""
    instance = Instance.named("prove", root=root)
    laptop(instance, "up")
    try:
        _sam(instance, "build", "--build-dir", str(instance.home / "build"))
        passages = [_pass(instance, profile) for profile in PROFILES]
    finally:
        laptop(instance, "down")
    return _document(passages), all(each.clean for each in passages)


def _pass(instance: Instance, profile: str) -> Passage:
    config = instance.home / f"samconfig-{profile}.toml"
    config.write_text(shaped(instance.root / "samconfig.toml", profile))
    _say(f"{profile}: create")
    create = deploy(instance, config)
    stacks, resources, events = _count(instance)
    _say(f"{profile}: deploy again")
    again = deploy(instance, config)
    changes = _count(instance)[2] - events
    _say(f"{profile}: delete")
    started = time.monotonic()
    remains = _destroy(instance)
    delete = time.monotonic() - started
    return Passage(profile, stacks, resources, create, again, changes, delete, remains)


def shaped(samconfig: Path, profile: str) -> str:
    """samconfig.toml whose laptop block asks for another profile's shape."""
    text = samconfig.read_text()
    settings = tomllib.loads(text)[profile]["deploy"]["parameters"]
    suffix = settings["stack_name"].removeprefix("streamflix-")
    asked = [
        each.replace(f"/streamflix/{suffix}/", "/streamflix/local/")
        for each in settings["parameter_overrides"]
        if not each.startswith("EnvironmentSuffix=")
    ]
    asked += ["EnvironmentSuffix=local", *(PRODUCTION_BRINGS if profile == "prod" else ())]
    block = "parameter_overrides = [\n" + "".join(f'  "{each}",\n' for each in asked) + "]"
    head, mark, tail = text.partition("[local.deploy.parameters]")
    return head + mark + re.sub(r"parameter_overrides = \[.*?\n\]", block, tail, flags=re.DOTALL)


def deploy(instance: Instance, config: Path) -> float:
    """What is built, with these settings; returns seconds."""
    started = time.monotonic()
    _sam(
        instance,
        *("deploy", "--template-file", str(instance.home / "build/template.yaml")),
        *("--config-file", str(config), "--config-env", "local"),
    )
    return time.monotonic() - started


def _count(instance: Instance) -> tuple[int, int, int]:
    """Stacks, resources that are no stacks, and events so far."""
    cloud = _client(instance)
    below, kinds, events = [STACK], [], 0
    for stack in below:
        pages = cloud.get_paginator("list_stack_resources").paginate(StackName=stack)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
        nested = [each for each in found if each["ResourceType"] == "AWS::CloudFormation::Stack"]
        below += [each["PhysicalResourceId"] for each in nested]
        kinds += [each["ResourceType"] for each in found if each not in nested]
        history = cloud.get_paginator("describe_stack_events").paginate(StackName=stack)
        events += sum(len(page["StackEvents"]) for page in history)
    return len(below), len(kinds), events


def _client(instance: Instance) -> Any:
    return boto3.client(
        "cloudformation",
        endpoint_url=instance.gateway_url,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _destroy(instance: Instance) -> int:
    """The exit code of the very command that an account's owner runs; 0 means nothing is left."""
    python = str(instance.root / ".local/venvs/sam/bin/python")
    command = [python, "-m", "account", "destroy", "--env", "local"]
    return laptop(instance, "run", "--", *command, fails=True, YES="1")


def _sam(instance: Instance, *arguments: str) -> None:
    laptop(instance, "run", "--", str(instance.root / ".local/venvs/sam/bin/sam"), *arguments)


def laptop(instance: Instance, *arguments: str, fails: bool = False, **wishes: str) -> int:
    command = [sys.executable, "-m", "local", "--instance", instance.name, *arguments]
    done = subprocess.run(
        command,
        cwd=instance.root,
        env=os.environ | wishes,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not fails:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        raise SystemExit(f"failed: {' '.join(arguments[:4])}")
    return done.returncode


def _say(line: str) -> None:
    sys.stdout.write(f"  … {line}\n")
    sys.stdout.flush()


def _document(passages: list[Passage]) -> str:
    head = (
        "| profile's shape | stacks | resources | create, s | deploy again, s | changes | "
        "delete, s | left |\n|---|---:|---:|---:|---:|---:|---:|---|\n"
    )
    rows = "".join(
        f"| {it.profile} | {it.stacks} | {it.resources} | {it.create:.0f} | {it.again:.0f} | "
        f"{it.changes} | {it.delete:.0f} | {'something' if it.remains else 'nothing'} |\n"
        for it in passages
    )
    return TEXT.format(table=head + rows)


TEXT = """# Proof: the platform

Written by `make prove ROOM=platform`. The unmodified templates go to the laptop cloud with the
parameters of each profile of `samconfig.toml`: created by `sam deploy`, deployed again without a
change, deleted by the command behind `make destroy`, which looks afterwards, by name and tag,
whether anything is left.

{table}
Seconds are this laptop cloud's and say nothing about AWS, where a first deploy takes the time that
Aurora, Redis and the network need. Changes are stack events of the second deploy. The `prod` shape
is given an invented certificate.
"""
