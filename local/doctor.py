"""Looks before `make up` starts anything: platform, disk, ports. A finding is a `Complaint`."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sys
from typing import TYPE_CHECKING

import psutil

from local.complaint import Complaint
from local.postgres_address import PROXY_ADDRESSES, READER_ADDRESS

if TYPE_CHECKING:
    from pathlib import Path

NEEDED_DISK_BYTES = 2 * 1024**3
ADDRESSES = (READER_ADDRESS, *PROXY_ADDRESSES[:2])  # the template's proxy has two endpoints


def examine(home: Path, ports: range) -> None:
    """Raise the first `Complaint`; silence means that the laptop cloud can start."""
    _platform()
    _disk(home)
    _addresses()
    _ports(ports)


def _platform() -> None:
    if sys.platform not in ("linux", "darwin"):
        raise Complaint(
            f"The laptop cloud runs on Linux and macOS, not on {sys.platform}.",
            "On Windows, use WSL 2.",
        )


def _disk(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < NEEDED_DISK_BYTES:
        raise Complaint(
            f"Only {free // 1024**2} MiB are free where {home} lies; the laptop cloud needs 2 GiB.",
            "Free some space or move the checkout to another disk, then run the command again.",
        )


def _addresses() -> None:
    for address in ADDRESSES:
        with socket.socket() as probe:
            try:
                probe.bind((address, 0))
            except OSError:
                raise Complaint(
                    f"The address {address} of a database endpoint does not exist here.",
                    f"On macOS: sudo ifconfig lo0 alias {address}",
                ) from None


def _ports(ports: range) -> None:
    for port in ports:
        if _in_use(port):
            raise Complaint(
                f"Port {port} is in use{_owner(port)}; this checkout's laptop cloud wants"
                f" {ports.start} to {ports.stop - 1}.",
                "End that process, or choose another range: STREAMFLIX_PORT_BASE="
                f"{_free_base(ports)} make up",
            )


def _in_use(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _owner(port: int) -> str:
    """Who listens there, if the system lets us see it."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""


def _free_base(ports: range) -> int:
    """The next hundred in which every port is free."""
    base = ports.start
    while base < 60000:
        base += 100
        if not any(_in_use(port) for port in range(base, base + len(ports))):
            return base
    return 10000
