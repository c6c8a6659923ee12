"""What the template's parameter group sets: the laptop's servers stand before it is deployed."""

from __future__ import annotations

from typing import Final

PARAMETERS: Final = {
    "cluster-enabled": "yes",
    "maxmemory-policy": "volatile-ttl",
    "hll-sparse-max-bytes": "1500",
}
