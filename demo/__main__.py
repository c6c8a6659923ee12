"""`make demo`: plays one day on the platform that is up, and proves that it was counted right."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg2
from botocore.exceptions import BotoCoreError, ClientError
from redis.exceptions import RedisClusterException, RedisError
from rich.console import Console

from demo import privacy, recovery, report, rotation
from demo.drain import ConsumerStandsStill
from demo.platform import CannotPlay, Platform
from demo.play import play
from demo.producer import StreamRefusesRecords

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENTS: Final = 300_000
DIFFERENT, BROKEN = 1, 2  # exit codes: a check failed; the day could not be played to its end

UNREACHABLE: Final = (BotoCoreError, ClientError, psycopg2.Error, RedisError, RedisClusterException)


def main(arguments: Sequence[str]) -> int:
    given = _parse(arguments)
    console = _console()
    try:
        platform = Platform.open(given.outputs)
        quiet = rotation.play(platform, console)
        forgotten = privacy.play(platform, console)
        survived = recovery.play(platform, console)
        restored = recovery.drop(platform, console)
        outcome = play(platform, console, given.seed, given.events, given.deploy_seconds)
    except KeyboardInterrupt:
        return _fail(console, "Interrupted. What was sent will still be counted; nothing is lost.")
    except CannotPlay as error:
        return _fail(console, str(error))
    except (ConsumerStandsStill, StreamRefusesRecords) as error:
        return _fail(console, f"{error}\n{error.__doc__}\nmake status shows errors and lag.")
    except UNREACHABLE as error:
        return _fail(console, f"{type(error).__name__}: {error}\nmake status shows what is up.")
    console.print()
    report.show(console, outcome, platform)
    ok = outcome.ok and quiet and forgotten and survived and restored
    return 0 if ok else DIFFERENT


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--outputs", type=Path, default=Path("cfn-outputs/flat-outputs.json"))
    seed, events = os.environ.get("SEED") or None, os.environ.get("EVENTS") or EVENTS
    parser.add_argument("--seed", type=int, default=seed, help="repeats a day; default: a new one")
    parser.add_argument("--events", type=int, default=events, help="at least so many, >= 1,000")
    parser.add_argument("--deploy-seconds", type=float, help="for the report: how long it took")
    given = parser.parse_args(arguments)
    if given.seed is None:
        given.seed = secrets.randbelow(1_000_000)
    if given.events < 1_000:
        parser.error("a day has at least 1,000 events")
    return given


def _console() -> Console:
    """80 columns where nothing says how wide it is; never a control character into a file."""
    terminal = sys.stdout.isatty()
    return Console() if terminal else Console(force_terminal=False, width=report.WIDTH)


def _fail(console: Console, sentence: str) -> int:
    console.print(sentence, style="red", markup=False, highlight=False)
    return BROKEN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
