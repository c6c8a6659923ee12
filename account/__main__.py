"""`python -m account …`: what the account's owner does, with the owner's own credentials."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from account import guard, migrations_sha, outputs, secrets
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTPUTS = Path("cfn-outputs") / "flat-outputs.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status; a refusal, ours or AWS's, is one sentence on stderr and status 1."""
    from botocore.exceptions import BotoCoreError, ClientError

    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (Refusal, BotoCoreError, ClientError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m account", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("secrets", help="create the missing secrets, publish their ARNs")
    command.add_argument("--env", required=True, choices=guard.ENVIRONMENTS)
    command.set_defaults(run=_secrets)

    command = commands.add_parser("outputs", help="write the stack's outputs as flat JSON")
    command.add_argument("--env", required=True, choices=guard.ENVIRONMENTS)
    command.add_argument("--path", type=Path, default=OUTPUTS)
    command.set_defaults(run=_outputs)

    command = commands.add_parser("migrations-sha", help="SHA-256 of the database's migrations")
    mode = command.add_mutually_exclusive_group()
    mode.add_argument("--write", action="store_true", help="write it into stacks/schema.yaml")
    mode.add_argument("--check", action="store_true", help="fail when stacks/schema.yaml differs")
    command.set_defaults(run=_migrations_sha)
    return parser


def _secrets(options: argparse.Namespace) -> None:
    account = _account(options.env)
    guard.confirm(
        account,
        "Secrets that are missing will be created.",
        env=os.environ,
        ask=input,
        show=_say,
    )
    for one in secrets.provide(account):
        deed = "created" if one.created else "kept"
        _say(f"  {one.name:<36} {deed:<8} ...{one.arn[-12:]}")


def _outputs(options: argparse.Namespace) -> None:
    account = _account(options.env)
    _say(str(account))
    stack = f"streamflix-{options.env}"
    written = outputs.write(account.client("cloudformation"), stack, options.path)
    _say(f"{len(written)} outputs of {stack} in {options.path}")


def _migrations_sha(options: argparse.Namespace) -> None:
    directory, template = migrations_sha.SQL, migrations_sha.TEMPLATE
    if options.check:
        migrations_sha.check(directory, template)
    elif options.write:
        migrations_sha.write(directory, template)
    _say(migrations_sha.compute(directory))


def _account(environment: str) -> guard.Account:
    import boto3

    return guard.identify(environment, boto3.session.Session())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
