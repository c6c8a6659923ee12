"""What a person is told when the laptop cannot do what was asked."""

from __future__ import annotations


class Complaint(Exception):
    """One problem and its remedy, a sentence each; the command line prints both and exits 1."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy
