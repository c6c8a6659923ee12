"""A root parameter that names an SSM parameter has its value, and passes it on as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def test_an_ssm_parameter_type_is_resolved_again_on_each_update(cloud: Cloud) -> None:
    def value(text: str) -> None:
        cloud.client("ssm").put_parameter(
            Name="/types/named", Value=text, Type="String", Overwrite=True
        )

    def deploy(extra: str) -> str:
        copy = {"Name": "/types/copy", "Type": "String", "Value": {"Ref": "Given"}}
        child = {
            "Parameters": {"Given": {"Type": "String"}},
            "Resources": {"Copy": {"Type": "AWS::SSM::Parameter", "Properties": copy}},
        }
        stack = {
            "Type": "AWS::CloudFormation::Stack",
            "Properties": {
                "TemplateURL": cloud.url_of(child),
                "Parameters": {"Given": {"Ref": "Named"}},
            },
        }
        named = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/types/named"}
        outputs = {"Extra": {"Value": extra}}
        deployed = cloud.deploy(
            "types-named", {"Child": stack}, Parameters={"Named": named}, Outputs=outputs
        )
        return str(deployed["StackStatus"])

    value("one")
    assert deploy("a") == "CREATE_COMPLETE"
    assert cloud.parameter("/types/copy") == "one"

    value("two")
    assert deploy("b") == "UPDATE_COMPLETE"
    assert cloud.parameter("/types/copy") == "two"
    cloud.delete("types-named")
