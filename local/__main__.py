"""`python -m local …`: what the laptop targets of the Makefile run."""

from __future__ import annotations

import os
import sys
import time

import typer
from rich.console import Console

from local import deploy as deployment
from local import lifecycle
from local import status as picture
from local.complaint import Complaint
from local.instance import Instance

# What a caller may say to a command by its environment; nothing of AWS is among them.
WISHES = ("SEED", "EVENTS", "COLUMNS", "TERM", "VERBOSE", "YES", "KEEP_BACKUPS")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False)


@app.callback()
def choose(context: typer.Context, instance: str = "main") -> None:
    """The laptop cloud of this checkout."""
    context.obj = Instance.named(instance)


@app.command()
def up(context: typer.Context) -> None:
    """Start the laptop cloud, and the secrets that an account has before the stack comes."""
    instance: Instance = context.obj
    started = time.monotonic()
    with console.status("starting the laptop cloud"):
        fresh = lifecycle.up(instance, _say)
        deployment.account(instance, "secrets")
    if fresh:
        _say(
            f"The laptop cloud is up in {time.monotonic() - started:.1f} s: {instance.gateway_url}"
        )
    _say(f"A shell reaches it after: . {instance.env_file.relative_to(instance.root)}")


@app.command()
def deploy(context: typer.Context) -> None:
    """Build and deploy the real template to the laptop cloud."""
    # In this process's place: an interrupt must reach whoever has taken the hold.
    _become(context.obj, deployment.command(context.obj))


@app.command()
def play(context: typer.Context) -> None:
    """Play a day of the platform (the last part of `make demo`)."""
    instance: Instance = context.obj
    outputs, seconds = str(deployment.outputs_file(instance)), deployment.last_seconds(instance)
    timing = [] if seconds is None else ["--deploy-seconds", f"{seconds:.1f}"]
    _become(instance, [sys.executable, "-m", "demo", "--outputs", outputs, *timing])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def chaos(context: typer.Context) -> None:
    """Hold a game day on the platform: a scenario's name, or all."""
    _become(context.obj, [sys.executable, "-m", "chaos", *context.args])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def run(context: typer.Context) -> None:
    """Run a command that can reach nothing but the laptop cloud."""
    _become(context.obj, context.args)


@app.command()
def status(context: typer.Context) -> None:
    """Show endpoints, stacks, functions, databases and lag."""
    lifecycle.require_up(context.obj)
    picture.show(context.obj, console)


@app.command()
def down(context: typer.Context) -> None:
    """End every process of the laptop cloud and remove its state."""
    ended = lifecycle.down(context.obj)
    outputs = deployment.outputs_file(context.obj)
    outputs.unlink(missing_ok=True)
    _say(f"The laptop cloud is down: {ended} processes ended, state removed.")


def _become(instance: Instance, command: list[str]) -> None:
    lifecycle.require_up(instance)
    kept = {name: os.environ[name] for name in WISHES if name in os.environ}
    places = {
        "STREAMFLIX_HOME": str(instance.home),
        "STREAMFLIX_OUTPUTS": str(deployment.outputs_file(instance)),
    }
    extra = {**deployment.build_env(instance), **places, **kept}
    os.chdir(instance.root)
    os.execvpe(command[0], command, instance.child_env(extra))


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, soft_wrap=True)


def main() -> None:
    """Run the command; a complaint is one message with its remedy, never a traceback."""
    try:
        app()
    except Complaint as complaint:
        for part in (complaint.problem, complaint.remedy):
            Console(stderr=True, highlight=False).print(part, markup=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
