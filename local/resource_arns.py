"""What a call is judged on: rules that name it where MiniStack names nothing, or something else."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from ministack.core import iam_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class Call(NamedTuple):
    """A request, as MiniStack hands it to whoever looks for its resource."""

    service: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]
    region: str
    account: str

    @property
    def action(self) -> str:
        """The action of a JSON protocol's call; empty of another protocol's."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def scope(self) -> str:
        """What the ARNs of the service's resources begin with."""
        return f"arn:aws:{self.service}:{self.region}:{self.account}"

    def parameter(self, name: str) -> str:
        """A parameter of a query protocol's call, or nothing."""
        return str(iam_actions._query_param(self.query, name) or "")


class Several(str):
    """The first of several resources, for whoever takes it for the only one."""

    __slots__ = ("all",)

    all: tuple[str, ...]

    def __new__(cls, arns: Sequence[str]) -> Several:
        """Of no resource at all, everything: a call that names nothing is not granted for that."""
        every = tuple(arns) or ("*",)
        several = super().__new__(cls, every[0])
        several.all = every
        return several


def name_by(rule: Callable[[Call], str | Sequence[str] | None]) -> None:
    """Let `rule` name the resource, or the resources, of the calls that it knows.

    Of others it answers None, and they are named as they were.
    """
    stock: Callable[..., str] = iam_actions.extract_resource_arn

    @functools.wraps(stock)
    def extracting(*given: Any) -> str:
        found = rule(Call(*given))
        if found is None:
            return stock(*given)
        return found if isinstance(found, str) else Several(found)

    iam_actions.extract_resource_arn = extracting
