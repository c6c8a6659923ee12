"""The demo's privacy chapter alone, for a proof: prints its tables, ends with 1 unless it held."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

from demo import privacy
from demo.platform import Platform

WIDTH = 100


def main() -> int:
    platform = Platform.open(Path(os.environ["STREAMFLIX_OUTPUTS"]))
    return 0 if privacy.play(platform, Console(width=WIDTH)) else 1


if __name__ == "__main__":
    sys.exit(main())
