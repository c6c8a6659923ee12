"""The short report at the end: what was measured, what was compared, and what to try next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from demo import tables
from demo.check import SHOWN
from demo.malformed import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from demo.check import Finding, Kind
    from demo.day import Tally
    from demo.platform import Platform
    from demo.producer import Ledger
    from demo.seeding import Seeded
    from demo.truth import Truth

WIDTH: Final = 80


@dataclass(frozen=True)
class Outcome:
    """All that one run of the demo has found out."""

    seed: int
    hour: str
    deploy_s: float | None
    seeded: Seeded
    seeding_s: float
    tally: Tally
    ledger: Ledger
    truth: Truth
    drained_at: float
    max_lag_s: float
    findings: Sequence[Finding]
    kinds: Sequence[Kind]
    messages: int

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)


def show(console: Console, outcome: Outcome, platform: Platform) -> None:
    for table in (_measured(outcome), _input(outcome), _malformed(outcome), _checks(outcome)):
        console.print(table)
        console.print()
    _differences(console, outcome)
    _next(console, outcome, platform)


def _measured(outcome: Outcome) -> Table:
    ledger, seeded = outcome.ledger, outcome.seeded
    sending_s = max(ledger.last_at - ledger.first_at, 0.001)
    whole_s = max(outcome.drained_at - ledger.first_at, 0.001)
    rest_s = max(outcome.drained_at - ledger.last_at, 0.0)
    megabytes = ledger.bytes / 1e6
    there = "found there" if seeded.were_there else f"seeded in {outcome.seeding_s:.1f} s"
    rows = [
        ("accounts", f"{seeded.accounts:,} with {seeded.profiles:,} profiles, {there}"),
        ("sent", f"{ledger.events:,} events, {ledger.records:,} records, {megabytes:.0f} MB"),
        ("sending", f"{ledger.events / sending_s:,.0f} events/s, for {sending_s:.1f} s"),
        ("end to end", f"{ledger.events / whole_s:,.0f} events/s, first put to last commit"),
        (
            "consumer lag",
            f"at most {outcome.max_lag_s:.1f} s; 0 s after {rest_s:.1f} s without puts",
        ),
    ]
    if outcome.deploy_s is not None:
        rows.insert(0, ("deployed in", f"{outcome.deploy_s:.0f} s"))
    if ledger.retried:
        rows.append(("put again", f"{ledger.retried:,} records that the stream refused at first"))
    table = tables.words("Measured on this machine", "", "")
    for row in rows:
        table.add_row(*row)
    return table


def _input(outcome: Outcome) -> Table:
    tally, truth, sent = outcome.tally, outcome.truth, outcome.tally.events
    malformed = sum(kind.sent for kind in outcome.kinds if kind.name in KINDS)
    title = f"A day from seed {outcome.seed}, playing {outcome.hour}"
    table = tables.figures(title, "", "", note="")
    for what, count, note in (
        ("different events", truth.events, "well-formed, to be counted once"),
        ("duplicates", truth.duplicates, f"{truth.duplicates / sent:.1%}, sent again by producers"),
        ("late", tally.late, f"{tally.late / sent:.1%}, by up to 20 minutes"),
        ("out of order", tally.out_of_order, f"{tally.out_of_order / sent:.1%}, overtaken"),
        ("malformed", malformed, f"of {len(KINDS)} kinds; unknown profiles come on top, see below"),
        ("near the limit", tally.near_limit, "records within 1 KB of 1 MiB"),
        ("plain records", tally.plain, f"beside {tally.records - tally.plain:,} aggregates"),
    ):
        table.add_row(what, f"{count:,}", note)
    return table


def _malformed(outcome: Outcome) -> Table:
    title = "Sent malformed, found in the rejects queue"
    table = tables.figures(title, "kind", "sent", "rejected", note="as")
    for kind in sorted(outcome.kinds, key=lambda kind: kind.name):
        style = None if kind.sent == kind.rejected else "bold red"
        table.add_row(kind.name, str(kind.sent), str(kind.rejected), kind.reasons, style=style)
    return table


def _checks(outcome: Outcome) -> Table:
    title = "Compared with an independent computation"
    table = tables.figures(title, "what", "compared", "differ", note="")
    for finding in outcome.findings:
        style = None if finding.ok else "bold red"
        differ = f"{len(finding.differences):,}"
        table.add_row(finding.name, f"{finding.compared:,}", differ, finding.note, style=style)
    return table


def _differences(console: Console, outcome: Outcome) -> None:
    for finding in outcome.findings:
        if finding.ok:
            continue
        console.print(f"{finding.name}: NOT EQUAL", style="bold red")
        for difference in finding.differences[:SHOWN]:
            console.print(f"  {difference}", markup=False, highlight=False)
        if len(finding.differences) > SHOWN:
            console.print(f"  and {len(finding.differences) - SHOWN:,} more")
        if not finding.compared:
            console.print("  there was nothing to compare")
        console.print()


def _next(console: Console, outcome: Outcome, platform: Platform) -> None:
    verdict = (
        "Every event was counted exactly once."
        if outcome.ok
        else "The platform and the independent computation differ."
    )
    repeat = f"SEED={outcome.seed}"
    lines = (
        verdict,
        f"The pointers to what was rejected stay in {outcome.messages} messages of the queue",
        f"  {platform.rejects}",
        "The platform stays up. To try next:",
        "  make status               endpoints, stacks, functions, databases, lag",
        f"  make demo {repeat:<16}the same day again, in an hour of its own",
        "  make demo                 another day",
        "  make test                 every suite, on a laptop cloud of its own",
        "  . .local/env              AWS clients of this shell reach the laptop cloud",
        "  make down                 ends it all",
    )
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
