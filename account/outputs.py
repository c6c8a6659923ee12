"""The root stack's outputs as one flat JSON object: the only map that tests and scripts have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def write(cloudformation: Any, stack: str, path: Path) -> dict[str, str]:
    """Write the outputs of `stack` to `path`, whole or not at all, and return them."""
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    outputs = {output["OutputKey"]: str(output["OutputValue"]) for output in found}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(json.dumps(outputs, indent=2, sort_keys=True) + "\n")
    fresh.replace(path)
    return outputs
