"""Ports for servers of a test's own, away from those that the system hands out to clients."""

from __future__ import annotations

import random
import socket

from local.instance import Instance

# This checkout's own laptop clouds: one of them may be about to start.
OWN = range(Instance.named(env={}).port_base, Instance.named(env={}).port_base + 150)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_range(count: int) -> int:
    """The first of `count` free ports. Random, because suites look for theirs at the same time."""
    for _ in range(100):
        first = random.randrange(10_000, 30_000, 50)
        ports = range(first, first + count)
        if not set(ports) & set(OWN) and all(is_free(port) for port in ports):
            return first
    raise AssertionError(f"no {count} free ports in a row between 10000 and 30000")
