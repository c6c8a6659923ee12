"""A check looks at the account and says what it found; checks are data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from account.guard import Account
    from account.plan import Plan

Verdict = Literal["ok", "note", "FAIL", "not asked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. A failure always has its remedy."""

    check: str
    found: str
    verdict: Verdict = "ok"
    remedy: str = ""


@dataclass(frozen=True)
class Look:
    """What a check may look at."""

    account: Account
    plan: Plan
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def at(self, service: str, region: str = "") -> Any:
        """A client, made once; of the platform's region unless told otherwise."""
        key = (service, region)
        if key not in self._clients:
            arguments = {"region": region} if region else {}
            self._clients[key] = self.account.client(service, **arguments)
        return self._clients[key]

    @property
    def environment(self) -> str:
        return self.plan.environment


@dataclass(frozen=True, slots=True)
class Check:
    """`absent` says why the laptop's cloud cannot answer; empty when it can."""

    name: str
    run: Callable[[Look], Iterator[Finding]]
    absent: str = ""


def fails(check: str, found: str, remedy: str) -> Finding:
    return Finding(check, found, "FAIL", remedy)


def note(check: str, found: str, remedy: str) -> Finding:
    """Worth knowing; it stops nothing."""
    return Finding(check, found, "note", remedy)
