"""The laptop cloud: MiniStack in this process, with our hooks installed, in the foreground.

``python -m local.launcher --instance main``. SIGTERM and SIGINT end it; everything that it
started ends with it. ``STREAMFLIX_HOOKS_OFF=name,name`` leaves hooks out, to see what they are for.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import logging
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from local.instance import Instance

if TYPE_CHECKING:
    from types import ModuleType

    from local.context import Cloud

HOOKS_OFF = "STREAMFLIX_HOOKS_OFF"

logger = logging.getLogger("streamflix.launcher")


def environment(instance: Instance) -> dict[str, str]:
    """The launcher's whole environment; MiniStack reads its settings when it is imported.

    No ``AWS_…`` variable gets in, so that no Lambda function can inherit one, and every door to
    the outside that MiniStack might open is shut: one port on loopback, no SFTP, no MQTT, no
    Docker.
    """
    kept = ("PATH", "HOME", "LANG", HOOKS_OFF)
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": f"unix://{instance.home}/no-docker.sock",
        "GATEWAY_PORT": str(instance.port_base),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": "eu-central-1",
        "PERSIST_STATE": "0",
        "S3_DATA_DIR": str(instance.home / "s3"),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(instance.home / "ministack"),
        "TMPDIR": str(instance.home / "tmp"),
    }


def enter(instance: Instance) -> None:
    """Take on that environment. Must happen before the first import of MiniStack."""
    inside = environment(instance)
    os.environ.clear()
    os.environ.update(inside)
    shutil.rmtree(inside["TMPDIR"], ignore_errors=True)  # sandboxes of a run that was killed
    Path(inside["TMPDIR"]).mkdir(parents=True)
    tempfile.tempdir = None


def install(cloud: Cloud) -> None:
    """Install the hooks in their order, but for those that the environment turns off."""
    hooks: tuple[ModuleType, ...] = importlib.import_module("local.hooks").HOOKS
    names = {hook.__name__.rpartition(".")[2]: hook for hook in hooks}
    off = set(filter(None, os.environ.pop(HOOKS_OFF, "").split(",")))
    if unknown := off - names.keys():
        raise SystemExit(f"{HOOKS_OFF} names no hook: {', '.join(sorted(unknown))}.")
    for name, hook in names.items():
        if name not in off:
            hook.install(cloud)


async def serve(port: int, stop: asyncio.Event) -> None:
    """Serve MiniStack on loopback until `stop` is set; what is under way gets two seconds more."""
    from hypercorn.asyncio import serve as hypercorn
    from hypercorn.config import Config
    from ministack import app

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await hypercorn(app.app, config, shutdown_trigger=stop.wait)


def end_functions() -> None:
    """End the processes of all Lambda functions, also those in the middle of an invocation."""
    from ministack.core import lambda_runtime

    with lambda_runtime._lock:
        workers = [worker for pool in lambda_runtime._workers.values() for worker in pool]
        lambda_runtime._workers.clear()
    lambda_runtime.kill_workers(workers)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="local.launcher", description=__doc__)
    parser.add_argument("--instance", default="main")
    parser.add_argument("--root", type=Path, help="the checkout, when it is not this one")
    chosen = parser.parse_args(arguments)
    instance = Instance.named(chosen.instance, chosen.root)
    instance.remember()
    enter(instance)
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format=form)
    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it misses a publisher of metrics
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 65536)), hard))
    run(instance)


def run(instance: Instance) -> None:
    """Everything from the first import of MiniStack to the end of this process."""
    from local.context import Cloud

    cloud = Cloud(instance)
    install(cloud)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(serve(instance.port_base, asyncio.Event()))
    finally:
        end_functions()
        cloud.close()
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
        # The interpreter waits for threads that may wait for ever: not for long.
        watchdog = threading.Timer(3, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()


if __name__ == "__main__":
    main()
