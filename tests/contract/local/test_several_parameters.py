"""Calls about parameters are judged for each one that they name."""

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


def test_a_role_makes_and_takes_away_the_parameter_it_may_and_no_other(cloud: Cloud) -> None:
    """MiniStack's own way, without the hook; what tags on the way in is not asked about."""
    cloud.client("ssm").put_parameter(Name="/single/other", Value="x", Type="String")
    tag = [{"Key": "DataClass", "Value": "operational"}]
    made = {"Value": "1", "Type": "String", "Overwrite": False, "Tags": tag}
    actions = ["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:DeleteParameter"]
    ssm = cloud.session("ssm", "single", allow(actions, f"{SCOPE}/single/mine"))

    ssm.put_parameter(Name="/single/mine", **made)
    with pytest.raises(ClientError, match="ParameterAlreadyExists"):
        ssm.put_parameter(Name="/single/mine", **made)
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="/single/mine", Tags=tag)
    for call in (
        lambda: ssm.put_parameter(Name="/single/new", **made),
        lambda: ssm.add_tags_to_resource(
            ResourceType="Parameter", ResourceId="/single/other", Tags=tag
        ),
        lambda: ssm.delete_parameter(Name="/single/other"),
    ):
        with pytest.raises(ClientError, match="not authorized"):
            call()
    ssm.delete_parameter(Name="/single/mine")
    assert cloud.parameter("/single/mine") is None
