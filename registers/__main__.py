"""`python -m registers docs | scan`: what `make docs` and `make scan` run."""

from __future__ import annotations

import argparse
import sys

from registers import documents, findings, waivers
from tests.contract.templates import house


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m registers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("docs", help="write the generated documents").set_defaults(run=_docs)
    commands.add_parser("scan", help="show what no waiver covers").set_defaults(run=_scan)
    status: int = parser.parse_args().run()
    return status


def _docs() -> int:
    for path in documents.write():
        _say(f"written: {path.relative_to(house.ROOT)}")
    return 0


def _scan() -> int:
    complaints = [f"waived without a reason: {it}" for it in waivers.without_reason()]
    for tool in findings.TOOLS:
        complaints += [f"not waived: {it}" for it in waivers.unwaived(tool)]
        complaints += [f"waived for nothing: {it}" for it in waivers.useless(tool)]
    for complaint in complaints:
        _say(complaint)
    found = ", ".join(f"{tool} {len(findings.of(tool))}" for tool in findings.TOOLS)
    _say(
        f"{len(complaints)} complaints. Findings in {len(house.everything())} stacks before"
        f" waivers: {found}. Waivers: {len(waivers.everything())}"
    )
    return 1 if complaints else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
