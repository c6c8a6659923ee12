"""Gap: a function's file system is recorded and mounted nowhere.

Mounting takes root. A variable of the function that names a place below the mount is given the
place on this machine instead: a directory per file system, at the access point's own root. EFS
asks whether the role may mount it; nobody does here.

Test: tests/contract/local/test_lambda_files.py
"""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

from ministack.core import lambda_runtime

from local import gateway

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.context import Cloud

PATCHES: tuple[str, ...] = ("ministack.core.lambda_runtime:acquire_worker",)
TYPES: tuple[str, ...] = ()

FOLDER = "files"


def install(cloud: Cloud) -> None:
    lambda_runtime.acquire_worker = _mounting(
        lambda_runtime.acquire_worker, cloud.instance.home / FOLDER
    )


def _mounting(stock: Callable[..., Any], root: Path) -> Callable[..., Any]:
    @functools.wraps(stock)
    def acquire(name: str, config: dict[str, Any], *more: Any) -> Any:
        if config.get("FileSystemConfigs"):
            config = copy.deepcopy(config)
            for mount in config["FileSystemConfigs"]:
                _point(config, mount["LocalMountPath"], _place(mount["Arn"], root))
        return stock(name, config, *more)

    return acquire


def _place(access_point: str, root: Path) -> Path:
    """Where what an access point shows lies on this machine; made as EFS makes it."""
    identifier = access_point.rpartition("/")[2]
    (found,) = gateway.call("efs", "DescribeAccessPoints", {"AccessPointId": identifier})[
        "AccessPoints"
    ]
    place = root / str(found["FileSystemId"]) / str(found["RootDirectory"]["Path"]).strip("/")
    place.mkdir(parents=True, exist_ok=True)
    return place


def _point(config: dict[str, Any], mount: str, place: Path) -> None:
    variables = config.get("Environment", {}).get("Variables", {})
    for name, value in variables.items():
        if value == mount or value.startswith(f"{mount}/"):
            variables[name] = str(place) + value[len(mount) :]
