"""`python -m prove <room>`: prove it, print the tables, write docs/proof/<room>.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from prove import platform, privacy, recovery, rotation

ROOT = Path(__file__).parent.parent
ROOMS = {
    "platform": platform.prove,
    "privacy": privacy.prove,
    "recovery": recovery.prove,
    "rotation": rotation.prove,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m prove", description=__doc__)
    parser.add_argument("room", choices=sorted(ROOMS))
    room = parser.parse_args().room
    proof, proven = ROOMS[room](ROOT)
    path = ROOT / "docs" / "proof" / f"{room}.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(proof)
    sys.stdout.write(f"{proof}\nwritten: {path.relative_to(ROOT)}\n")
    return 0 if proven else 1


if __name__ == "__main__":
    sys.exit(main())
