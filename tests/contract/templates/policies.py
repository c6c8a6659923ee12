"""What a policy says to a request, in as much of IAM's language as our policies speak.

Deliberately strict: a condition on a key that the caller does not send does not hold, because that
is how a policy that looks right stays silent in an account.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Body = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One call: by whom (`service:…`, `arn:…`), for what, on what, with which condition keys."""

    principal: str
    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(document: Body) -> Iterator[Body]:
    """The statements of a document; both branches where one is optional."""
    for statement in document["Statement"]:
        for branch in statement.get("Fn::If", ["", statement])[1:]:
            if branch != {"Ref": "AWS::NoValue"}:
                yield branch


def matches(pattern: str, value: str) -> bool:
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _same(pattern: str, value: str) -> bool:
    return pattern == value


def _truth(pattern: str, value: str) -> bool:
    return pattern.lower() == value.lower()


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": _truth,
    "StringEquals": _same,
    "StringLike": matches,
}


def _holds(operator: str, key: str, wanted: Any, context: Mapping[str, str]) -> bool:
    sent = {name.lower(): value for name, value in context.items()}
    optional = operator.endswith("IfExists")
    operator = operator.removesuffix("IfExists")
    if operator == "Null":
        return (key.lower() not in sent) is (str(wanted).lower() == "true")
    if key.lower() not in sent:
        return optional or operator.startswith("StringNot")
    value = sent[key.lower()]
    if operator.startswith("StringNot"):
        positive = _OPERATORS[operator.replace("Not", "")]
        return not any(positive(str(it), value) for it in many(wanted))
    return any(_OPERATORS[operator](str(it), value) for it in many(wanted))


def _names(statement: Body, principal: str) -> bool:
    named = statement.get("Principal", "*")
    if named == "*":
        return True
    kind, _, name = principal.partition(":")
    if kind == "service":
        return name in many(named.get("Service", []))
    accounts = [str(it) for it in many(named.get("AWS", []))]
    root = "arn:aws:iam::" + principal.split(":")[4] + ":root"
    return principal in accounts or root in accounts or "*" in accounts


def speaks_of(statement: Body, request: Request) -> bool:
    """Whether the statement, be it Allow or Deny, applies to the request."""
    conditions = statement.get("Condition", {})
    return (
        _names(statement, request.principal)
        and any(matches(it.lower(), request.action.lower()) for it in many(statement["Action"]))
        and any(matches(it, request.resource) for it in many(statement.get("Resource", "*")))
        and all(
            _holds(operator, key, wanted, request.context)
            for operator, keys in conditions.items()
            for key, wanted in keys.items()
        )
    )


def admits(document: Body, request: Request) -> bool:
    """Whether the document alone lets the request in: an Allow speaks of it and no Deny does."""
    speaking = [it["Effect"] for it in statements(document) if speaks_of(it, request)]
    return "Allow" in speaking and "Deny" not in speaking


def services(document: Body) -> set[str]:
    """The services that some Allow names as principal."""
    return {
        str(service)
        for statement in statements(document)
        if statement["Effect"] == "Allow" and isinstance(statement.get("Principal"), dict)
        for service in many(statement["Principal"].get("Service", []))
    }
