"""A condition on aws:PrincipalArn sees a session's role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from typing import Any

    from tests.contract.local.conftest import Cloud


def only_for(role: str) -> dict[str, Any]:
    arn = f"arn:aws:iam::000000000000:role/{role}"
    return allow("ssm:DescribeParameters", "*", Condition={"ArnLike": {"aws:PrincipalArn": arn}})


def test_a_policy_for_roles_by_pattern_means_their_sessions(cloud: Cloud) -> None:
    meant = cloud.session("ssm", "principal-meant", only_for("principal-m*"))
    other = cloud.session("ssm", "principal-other", only_for("principal-m*"))

    assert "Parameters" in meant.describe_parameters()
    with pytest.raises(ClientError, match="not authorized"):
        other.describe_parameters()
