"""The people and titles of the demo: the same on every machine and in every run.

Nobody real is in here: accounts and profiles are random uuids, titles are a number and two words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Final

TITLES: Final = 3_000
ACCOUNTS: Final = 100_000
MAX_PROFILES: Final = 4
DEVICES: Final = ("tv", "mobile", "tablet", "web", "console", "stick")
DEVICE_WEIGHTS: Final = (40, 24, 9, 15, 5, 7)

# Inhabitants in hundred thousands: the demo's viewers live where Europeans live.
COUNTRIES: Final = {
    "AT": 91, "BE": 118, "BG": 64, "HR": 39, "CY": 9, "CZ": 109, "DK": 60, "EE": 14, "FI": 56,
    "FR": 684, "DE": 835, "GR": 104, "HU": 96, "IE": 53, "IT": 590, "LV": 19, "LT": 29, "LU": 7,
    "MT": 6, "NL": 179, "PL": 366, "PT": 106, "RO": 191, "SK": 54, "SI": 21, "ES": 486, "SE": 106,
}  # fmt: skip

_FIRST: Final = (
    "Amber",
    "Silent",
    "Northern",
    "Last",
    "Paper",
    "Hidden",
    "Salt",
    "Distant",
    "Glass",
)
_SECOND: Final = ("Harbour", "Winter", "Letters", "Orchard", "Signal", "Bridge", "Tide", "Garden")


@dataclass(frozen=True, slots=True)
class Account:
    account_id: str
    country: str
    profiles: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """`titles` stand in order of fame: the first is watched most."""

    titles: tuple[str, ...]
    accounts: tuple[Account, ...]

    @cached_property
    def profiles(self) -> frozenset[str]:
        """Every profile that exists; an event of any other has lost its person."""
        return frozenset(profile for account in self.accounts for profile in account.profiles)


def random_uuid(rng: Random) -> str:
    """A version 4 uuid that depends on nothing but the generator's state."""
    bits = rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (0x4 << 76) | (0x2 << 62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def title_name(number: int) -> str:
    """What a shelf would show; unique because the number is part of it."""
    words = f"{_FIRST[number % len(_FIRST)]} {_SECOND[number // len(_FIRST) % len(_SECOND)]}"
    return f"{words} {number}"


def build(titles: int = TITLES, accounts: int = ACCOUNTS) -> Catalogue:
    """The first `titles` titles and `accounts` accounts of the one catalogue there is."""
    rng = Random("streamflix catalogue 1")
    homes = rng.choices(tuple(COUNTRIES), weights=tuple(COUNTRIES.values()), k=accounts)
    sizes = rng.choices(range(1, MAX_PROFILES + 1), weights=(60, 25, 10, 5), k=accounts)
    people = tuple(
        Account(random_uuid(rng), home, tuple(random_uuid(rng) for _ in range(size)))
        for home, size in zip(homes, sizes, strict=True)
    )
    return Catalogue(tuple(f"title-{number:05d}" for number in range(titles)), people)
