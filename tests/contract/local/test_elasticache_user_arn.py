"""A grant on one ElastiCache user is a grant on that user, and on no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

USER = "arn:aws:elasticache:eu-central-1:000000000000:user"


def test_who_may_change_one_user_may_change_no_other(cloud: Cloud) -> None:
    owner = cloud.client("elasticache")
    for name in ("mine", "other"):
        owner.create_user(
            UserId=f"{name}-user-arn",
            UserName=name,
            Engine="redis",
            AccessString="on ~a:* -@all +get",
            Passwords=["sixteen-characters-or-more"],
        )
    actions = ["elasticache:DescribeUsers", "elasticache:ModifyUser"]
    users = cloud.session("elasticache", "user-arn", allow(actions, f"{USER}:mine-user-arn"))

    words = ["sixteen-characters-or-more", "another-one-of-sixteen"]
    users.modify_user(UserId="mine-user-arn", Passwords=words)
    [found] = users.describe_users(UserId="mine-user-arn")["Users"]
    with pytest.raises(ClientError, match="AccessDenied"):
        users.modify_user(UserId="other-user-arn", Passwords=words)

    assert found["Authentication"]["PasswordCount"] == 2
