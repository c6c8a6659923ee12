"""Puts the chaos handler around the deployed consumer, and takes it away again."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

from tests.eventually import eventually

SOURCE = Path(__file__).parent / "chaos" / "chaos.py"
TROUBLE_SECONDS = 6.0


class Chaos:
    """A context in which the consumer dies as the partition keys say (see `chaos/chaos.py`)."""

    def __init__(self, lambdas: Any, function: str) -> None:
        self._lambdas = lambdas
        self._function = function

    def __enter__(self) -> Chaos:
        self._before = self._lambdas.get_function_configuration(FunctionName=self._function)
        layers = [layer["Arn"] for layer in self._before.get("Layers", [])]
        self._layer = self._publish()
        self._configure("chaos.handler", [*layers, self._layer])
        return self

    def __exit__(self, *_: object) -> None:
        layers = [layer["Arn"] for layer in self._before.get("Layers", [])]
        self._configure(self._before["Handler"], layers)
        name, version = self._layer.split(":")[-2:]
        self._lambdas.delete_layer_version(LayerName=name, VersionNumber=int(version))

    def until_calm(self) -> None:
        """Wait until no batch that was put before can be in trouble any more."""
        time.sleep(TROUBLE_SECONDS)

    def _publish(self) -> str:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("python/chaos.py", SOURCE.read_text())
        answer = self._lambdas.publish_layer_version(
            LayerName="streamflix-chaos", Content={"ZipFile": content.getvalue()}
        )
        arn: str = answer["LayerVersionArn"]
        return arn

    def _configure(self, handler: str, layers: list[str]) -> None:
        self._lambdas.update_function_configuration(
            FunctionName=self._function, Handler=handler, Layers=layers
        )
        eventually(
            lambda: self._lambdas.get_function_configuration(FunctionName=self._function),
            within=60,
            wanted=lambda c: (
                c["Handler"] == handler and c.get("LastUpdateStatus", "Successful") == "Successful"
            ),
        )
