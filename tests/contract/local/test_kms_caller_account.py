"""A key's policy knows whose account calls KMS itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


@pytest.mark.parametrize(("account", "lets_in"), [("000000000000", True), ("111111111111", False)])
def test_a_key_lets_in_whom_its_policy_names_by_account(
    cloud: Cloud, account: str, lets_in: bool
) -> None:
    owner = cloud.client("kms")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:CallerAccount": account}},
    }
    key = owner.create_key(
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        BypassPolicyLockoutSafetyCheck=True,
    )["KeyMetadata"]["Arn"]
    kms = cloud.session("kms", f"caller-{account}", allow(["kms:GenerateDataKey"], key))

    if lets_in:
        assert len(kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]) == 32
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            kms.generate_data_key(KeyId=key, KeySpec="AES_256")
