"""`python -m account …`: what the account's owner does, with the owner's own credentials."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from account import guard, outputs, pinned, rooms, secrets
from account.deploy import Deployment, progress
from account.plan import ROOT, Plan
from account.refusal import Refusal
from account.view import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

OUTPUTS = Path(os.environ.get("STREAMFLIX_OUTPUTS", "cfn-outputs/flat-outputs.json"))
"""A second cloud on the laptop has outputs of its own."""

INTERRUPTED = (
    "Interrupted. What CloudFormation has begun, it ends by itself. Run this again to go on."
)
"""Unless the command has words of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status; a refusal, ours or AWS's, is one sentence on stderr and status 1."""
    from botocore.exceptions import BotoCoreError, ClientError

    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        options.run(options)
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"{str(interrupt) or INTERRUPTED}\n")
        return 130
    except (Refusal, BotoCoreError, ClientError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m account", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("secrets", help="create the missing secrets, publish their ARNs")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.set_defaults(run=_secrets)

    command = commands.add_parser("outputs", help="write the stack's outputs as flat JSON")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.add_argument("--path", type=Path, default=OUTPUTS)
    command.set_defaults(run=_outputs)

    for name, deed in (("preflight", _preflight), ("deploy", _deploy), ("destroy", _destroy)):
        command = commands.add_parser(name, help=str(deed.__doc__).partition(".")[0])
        command.add_argument("--env", required=True, choices=guard.environments())
        command.add_argument("--outputs", type=Path, default=OUTPUTS)
        command.add_argument("--work", type=Path, default=None, help="where build and logs go")
        command.set_defaults(run=deed)

    command = commands.add_parser("logs", help="what a room has logged")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.add_argument("--room", default="")
    command.add_argument("--since", default="10m", help="such as 30s, 10m, 2h, 1d")
    command.set_defaults(run=_logs)

    command = commands.add_parser("invoke", help="call a function with a sample event")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.add_argument("--function", default="")
    command.add_argument("--event", default="", help="a file, such as events/schema/update.json")
    command.set_defaults(run=_invoke)

    command = commands.add_parser("rotate", help="rotate now and follow it")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.add_argument("--secret", default="", help="a login such as analytics, or all")
    command.set_defaults(run=_rotate)

    command = commands.add_parser("rotation-status", help="which version of each secret logs in")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.set_defaults(run=_rotation_status)

    command = commands.add_parser("incident", help="what is red, breached, broken and restored")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.set_defaults(run=_incident)

    command = commands.add_parser("live", help="a page of what runs now, on this machine")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.set_defaults(run=_live)

    command = commands.add_parser("drill", help="rehearse a restore and follow it")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.add_argument("--target", default="", help="RFC 3339, or latest")
    command.set_defaults(run=_drill)

    command = commands.add_parser("cutover", help="put a copy in the database's place")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.add_argument("--target", default="", help="RFC 3339, or latest")
    command.add_argument("--run", dest="restore", default="", help="of one that stopped halfway")
    command.set_defaults(run=_cutover)

    command = commands.add_parser("adopt", help="give the copy in service the stack's names")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.set_defaults(run=_adopt)

    command = commands.add_parser("erase", help="ask for an erasure and follow it")
    command.add_argument("--env", required=True, choices=guard.environments())
    command.add_argument("--file", type=Path, default=Path(), help="who, and how you know")
    command.set_defaults(run=_erase)

    command = commands.add_parser("verify-receipt", help="check a receipt by the public key")
    command.add_argument("--file", type=Path, default=Path())
    command.add_argument("--key", type=Path, default=Path())
    command.set_defaults(run=_verify_receipt)

    for name, pin in pinned.PINS.items():
        command = commands.add_parser(
            name, help=f"{pin.key}, as {pin.template.name} has to have it"
        )
        mode = command.add_mutually_exclusive_group()
        mode.add_argument("--write", action="store_true", help=f"write it into {pin.template.name}")
        mode.add_argument(
            "--check", action="store_true", help=f"fail when {pin.template.name} differs"
        )
        command.set_defaults(run=_pin, pin=name)
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


def _preflight(options: argparse.Namespace) -> None:
    """Say whether a deploy would go through."""
    deployment = _deployment(options)
    deployment.view.say(str(deployment.account))
    with progress(deployment.view):
        deployment.preflight()


def _deploy(options: argparse.Namespace) -> None:
    """Preflight, build, deploy under the hold, write the outputs, ask for signs of life."""
    _deployment(options).run(os.environ, input)


def _destroy(options: argparse.Namespace) -> None:
    """Delete the stack and everything that it left."""
    from account.destroy import Destruction

    plan = Plan.of(options.env)
    destruction = Destruction(_account(options.env), plan.stack, Terminal(), options.outputs)
    destruction.run(os.environ, input)


def _deployment(options: argparse.Namespace) -> Deployment:
    plan = Plan.of(options.env)
    work = options.work or ROOT / ".local" / "account" / options.env
    return Deployment(_account(options.env), plan, Terminal(), work, options.outputs)


def _logs(options: argparse.Namespace) -> None:
    account = _account(options.env)
    logs, since = account.client("logs"), rooms.seconds(options.since)
    for line in rooms.lines(logs, options.env, options.room, since):
        _say(line)


def _invoke(options: argparse.Namespace) -> None:
    account = _account(options.env)
    lambdas = account.client("lambda")
    function = rooms.function(lambdas, options.env, options.function)
    payload = rooms.event(options.event, rooms.room(function))
    guard.confirm(
        account,
        f"{function} will run for real: what it writes stays.",
        env=os.environ,
        ask=input,
        show=_say,
    )
    answer = rooms.invoke(lambdas, function, payload)
    sys.stderr.write(f"{answer.log.rstrip()}\n")
    _say(answer.payload)
    if answer.failed:
        log = f"make logs ENV={options.env} ROOM={rooms.room(function)}"
        raise Refusal(f"{function} failed; the room's log: {log}")


def _rotate(options: argparse.Namespace) -> None:
    from account.rotation.rotate import Rotation, chosen

    logins = chosen(options.secret)
    Rotation(_account(options.env), Terminal()).run(logins, os.environ, input)


def _rotation_status(options: argparse.Namespace) -> None:
    from account.rotation import status

    status.show(_account(options.env), Terminal())


def _incident(options: argparse.Namespace) -> None:
    from account.recovery import incident

    incident.show(_account(options.env), Terminal())


def _live(options: argparse.Namespace) -> None:
    from account.door import open_door
    from account.live.serve import Page, serve

    serve(Page(open_door(_account(options.env))), Terminal())


def _drill(options: argparse.Namespace) -> None:
    from account.recovery.workflow import Workflow

    Workflow(_account(options.env), Terminal()).drill(options.target)


def _cutover(options: argparse.Namespace) -> None:
    from account.recovery.workflow import Workflow

    workflow = Workflow(_account(options.env), Terminal())
    workflow.cutover(options.target, options.restore, os.environ, input)


def _adopt(options: argparse.Namespace) -> None:
    from account.recovery.workflow import Workflow

    Workflow(_account(options.env), Terminal()).adopt(os.environ, input)


def _erase(options: argparse.Namespace) -> None:
    from account.door import open_door
    from account.privacy.erase import Erasure

    door = open_door(_account(options.env))
    Erasure(door, Terminal()).run(options.file, os.environ, input)


def _verify_receipt(options: argparse.Namespace) -> None:
    from account.privacy import receipt

    receipt.check(options.file, options.key, Terminal())


def _pin(options: argparse.Namespace) -> None:
    pin = pinned.PINS[options.pin]
    if options.check:
        pin.check()
    elif options.write:
        pin.write()
    _say(pin.sha256)


def _account(environment: str) -> guard.Account:
    import boto3

    return guard.identify(environment, boto3.session.Session())


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
