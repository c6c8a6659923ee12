"""Gap: a state machine's definition in YAML is kept as it is, and its first execution fails.

AWS takes JSON and YAML alike; here CloudFormation turns YAML into JSON after its substitutions, and
refuses what is neither.

Test: tests/contract/local/test_state_machines.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

import yaml  # type: ignore[import-untyped]
from ministack.services.cloudformation import provisioners

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from local.context import Cloud
    from local.resource_types import Properties

PATCHES: tuple[str, ...] = ("ministack.services.cloudformation.provisioners:_sfn_definition",)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    provisioners._sfn_definition = _as_json(provisioners._sfn_definition)


def _as_json(stock: Callable[[Properties], str]) -> Callable[[Properties], str]:
    @functools.wraps(stock)
    def definition(properties: Properties) -> str:
        text = stock(properties)
        read = yaml.safe_load(text)
        if not isinstance(read, dict):
            raise TypeError("The state machine's definition is neither JSON nor YAML.")
        return text if text.lstrip().startswith("{") else json.dumps(read, default=_isoformat)

    return definition


def _isoformat(value: dt.date) -> str:
    """YAML reads dates where Amazon States Language has text."""
    return value.isoformat()
