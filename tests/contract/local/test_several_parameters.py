"""GetParameters is judged for each parameter that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.contract.local.conftest import allow

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

SCOPE = "arn:aws:ssm:eu-central-1:000000000000:parameter"


def test_a_role_reads_the_parameters_it_may_and_no_others(cloud: Cloud) -> None:
    for name in ("/several/a", "/several/b", "/several/c"):
        cloud.client("ssm").put_parameter(Name=name, Value="x", Type="String")
    mine = [f"{SCOPE}/several/a", f"{SCOPE}/several/b"]
    ssm = cloud.session("ssm", "several", allow("ssm:GetParameters", mine))

    assert len(ssm.get_parameters(Names=["/several/a", "/several/b"])["Parameters"]) == 2
    with pytest.raises(ClientError, match="not authorized"):
        ssm.get_parameters(Names=["/several/a", "/several/c"])


def test_a_role_turns_the_pages_it_may_and_no_others(cloud: Cloud) -> None:
    mine = allow("ssm:PutParameter", f"{SCOPE}/several/book/*")
    ssm = cloud.session("ssm", "several-writes", mine)
    page = {"Value": "host:1", "Type": "String", "Overwrite": True}

    for host in ("host:1", "host:2"):
        ssm.put_parameter(Name="/several/book/writer", **page | {"Value": host})
    with pytest.raises(ClientError, match="not authorized"):
        ssm.put_parameter(Name="/several/other", **page)

    assert cloud.parameter("/several/book/writer") == "host:2"
    assert cloud.parameter("/several/other") is None
