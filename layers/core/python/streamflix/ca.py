"""The authorities that our clients trust, one file for all of them."""

from __future__ import annotations

from pathlib import Path

CA_FILE = Path(__file__).parent / "ca.pem"
