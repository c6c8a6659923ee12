"""A stack puts a firewall before an API, gives it a log, and takes both away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.local.conftest import ACCOUNT, REGION

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

STAGE = f"arn:aws:apigateway:{REGION}::/restapis/{{}}/stages/live"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"


def resources(stage: str, group: str) -> dict[str, Any]:
    visible = {
        "CloudWatchMetricsEnabled": True,
        "SampledRequestsEnabled": False,
        "MetricName": "types-waf",
    }
    acl = {
        "Name": "types-waf",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": visible,
    }
    arn = {"Fn::GetAtt": ["Firewall", "Arn"]}
    return {
        "Firewall": {"Type": "AWS::WAFv2::WebACL", "Properties": acl},
        "Association": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {"WebACLArn": arn, "ResourceArn": STAGE.format(stage)},
        },
        "Logging": {
            "Type": "AWS::WAFv2::LoggingConfiguration",
            "Properties": {"ResourceArn": arn, "LogDestinationConfigs": [f"{LOGS}{group}"]},
        },
    }


def test_a_firewall_stands_before_the_stage_that_the_stack_names(cloud: Cloud) -> None:
    waf = cloud.client("wafv2")

    def guarded() -> list[str]:
        (acl,) = waf.list_web_acls(Scope="REGIONAL")["WebACLs"]
        found: list[str] = waf.list_resources_for_web_acl(WebACLArn=acl["ARN"])["ResourceArns"]
        return found

    made = cloud.deploy("types-waf", resources("one", "aws-waf-logs-one"))
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert guarded() == [STAGE.format("one")]

    made = cloud.deploy("types-waf", resources("two", "aws-waf-logs-two"))
    assert made["StackStatus"] == "UPDATE_COMPLETE"
    assert guarded() == [STAGE.format("two")]

    cloud.delete("types-waf")
    assert waf.list_web_acls(Scope="REGIONAL")["WebACLs"] == []


def test_a_log_group_with_another_beginning_is_refused_as_aws_refuses_it(cloud: Cloud) -> None:
    made = cloud.deploy("types-waf-wrong", resources("one", "waf-logs"))

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.delete("types-waf-wrong")
