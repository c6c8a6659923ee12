"""What an ElastiCache request asks for, where its parameters are ambiguous."""

from __future__ import annotations

from typing import Any

from ministack.services import elasticache

Parameters = dict[str, Any]


def shards(parameters: Parameters) -> int:
    """The shards of a group in cluster mode, 0 without: a single shard says so only by its mode."""
    count = int(elasticache._p(parameters, "NumNodeGroups") or "1")
    enabled = elasticache._p(parameters, "ClusterMode") == "enabled"
    return count if enabled or count > 1 else 0


def passwords(parameters: Parameters) -> list[str] | None:
    """The passwords that a request gives, none when it wants none, `None` when it says nothing."""
    mode = elasticache._p(parameters, "AuthenticationMode.Type")
    if mode == "no-password-required" or elasticache._p(parameters, "NoPasswordRequired") == "true":
        return []
    keys = (f"{at}Passwords.member.{n}" for at in ("", "AuthenticationMode.") for n in (1, 2))
    return [given for key in keys if (given := elasticache._p(parameters, key))] or None
