"""What a destruction looks at: the account, the stack's tree as it was, and names that are ours."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from account import tree
from account.names import is_ours
from account.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from account.guard import Account
    from account.view import View

# How the laptop's cloud says that it does not know a service or an operation.
_UNKNOWN = {"InvalidAction", "UnknownOperationException", "NotImplemented", "400", "404", "501"}


def _unknown(error: Any) -> bool:
    return error["Code"] in _UNKNOWN or error["Message"].startswith("Unknown ")


@dataclass
class Scene:
    """Kept through the whole run; the tree outlives the stack, for what is named after it."""

    account: Account
    stack: str
    view: View
    root: tree.Root
    resources: list[tree.Resource]
    unasked: set[str] = field(default_factory=set)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, account: Account, stack: str, view: View) -> Scene:
        """As it stands, or as it stood when the stack was deleted in the last 90 days."""
        cloudformation = account.client("cloudformation")
        root = tree.root(cloudformation, stack)
        found = list(tree.resources(cloudformation, root.identity)) if root.identity else []
        return cls(account, stack, view, root, found)

    @property
    def environment(self) -> str:
        return self.account.environment

    @property
    def local(self) -> bool:
        return self.account.environment == "local"

    def at(self, service: str, region: str = "") -> Any:
        """A client, made once."""
        key = (service, region)
        if key not in self._clients:
            arguments = {"region": region} if region else {}
            self._clients[key] = self.account.client(service, **arguments)
        return self._clients[key]

    def of_kind(self, kind: str) -> list[str]:
        """Physical ids of the stack's resources of a type."""
        return [each.physical for each in self.resources if each.kind == kind and each.physical]

    def parameters(self, name: str) -> list[str]:
        """A parameter's value as the stack was deployed; one or none."""
        from botocore.exceptions import ClientError

        if not self.root.identity:
            return []
        try:
            answer = self.at("cloudformation").describe_stacks(StackName=self.root.identity)
        except ClientError:
            return []  # deleted longer ago than CloudFormation remembers
        found = answer["Stacks"][0].get("Parameters", [])
        return [each["ParameterValue"] for each in found if each["ParameterKey"] == name]

    def ours(self, name: str) -> bool:
        return is_ours(self.environment, name)

    def each(self, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        """What a listing operation returns, page by page.

        On the laptop an operation that its cloud does not know returns nothing and is noted.
        """
        from botocore.exceptions import ClientError

        client = self.at(service)
        try:
            if client.can_paginate(operation):
                pages = client.get_paginator(operation).paginate(**arguments)
            else:
                pages = [getattr(client, operation)(**arguments)]
            for page in pages:
                yield from page.get(key, [])
        except ClientError as error:
            if not self.local or not _unknown(error.response["Error"]):
                raise
            self.unasked.add(f"{service} {operation}")

    def wait(self, what: str, gone: Callable[[], bool], within: float, pause: float = 10) -> None:
        """Wait with a progress line. Raises: `Refusal` when it takes longer than it ever should."""
        started = time.monotonic()
        while not gone():
            passed = time.monotonic() - started
            if passed > within:
                raise Refusal(
                    f"Still waiting after {within / 60:.0f} min: {what}. "
                    f"Nothing is broken: run it again, it goes on."
                )
            self.view.progress(f"{what} · {passed / 60:.0f} min")
            time.sleep(0.2 if self.local else pause)
