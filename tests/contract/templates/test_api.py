"""The public door: regional, throttled, behind a firewall, and silent about who came."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import yaml

from tests.contract.templates import deployed, house

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource

RULES = {
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesSQLiRuleSet",
}
PERSONAL = {"identity", "path", "querystring", "header", "authorizer", "sourceIp", "userAgent"}
REDACTED = {"authorization", "cookie", "x-forwarded-for", "user-agent"}


def only(kind: str) -> Resource:
    (found,) = deployed.platform("prod").resources(kind)
    return found


def test_the_api_is_regional_and_speaks_modern_tls() -> None:
    api = only("AWS::ApiGateway::RestApi").properties

    assert api["EndpointConfiguration"]["Types"] == ["REGIONAL"]
    assert "TLS13" in api["SecurityPolicy"]


def test_the_stage_is_called_live_and_is_throttled() -> None:
    stage = only("AWS::ApiGateway::Stage").properties
    (every,) = stage["MethodSettings"]

    assert stage["StageName"] == "live"
    assert (every["ResourcePath"], every["HttpMethod"]) == ("/*", "*")
    assert every["ThrottlingRateLimit"] == {"Ref": "ApiRateLimit"}
    assert every["ThrottlingBurstLimit"]
    assert every["DataTraceEnabled"] is False


def test_the_access_log_names_nobody() -> None:
    line = json.loads(only("AWS::ApiGateway::Stage").properties["AccessLogSetting"]["Format"])
    words = {word for value in line.values() for word in value.split(".")}

    assert "$context.requestId" in line.values()
    assert words & PERSONAL == set()


def test_the_firewall_knows_the_usual_attacks_and_a_rate() -> None:
    rules = [it["Statement"] for it in only("AWS::WAFv2::WebACL").properties["Rules"]]
    managed = {
        it["ManagedRuleGroupStatement"]["Name"] for it in rules if "ManagedRuleGroupStatement" in it
    }

    assert managed == RULES
    assert sum("RateBasedStatement" in it for it in rules) == 1


def test_the_firewalls_log_hides_what_a_request_says_of_its_sender() -> None:
    redacted = only("AWS::WAFv2::LoggingConfiguration").properties["RedactedFields"]
    headers = {it["SingleHeader"]["Name"] for it in redacted if "SingleHeader" in it}

    assert headers >= REDACTED
    assert {"QueryString": {}} in redacted
    assert {"UriPath": {}} in redacted
    for path, value in house.walk(only("AWS::WAFv2::WebACL").properties):
        if path[-1:] == ("SampledRequestsEnabled",):
            assert value is False, path


def test_the_firewall_stands_before_the_stage_by_reference() -> None:
    tree = deployed.platform("prod")
    association = only("AWS::WAFv2::WebACLAssociation")

    assert tree.before(only("AWS::ApiGateway::Stage"), association)
    assert tree.made(association.stack, association.properties["WebACLArn"]) == [
        only("AWS::WAFv2::WebACL")
    ]


def test_the_way_to_the_service_is_private() -> None:
    tree = deployed.platform("prod")
    link = only("AWS::ApiGatewayV2::VpcLink")
    api = only("AWS::ApiGateway::RestApi")
    text = (house.ROOT / "openapi.yaml").read_text()
    operations = yaml.safe_load(text)["paths"]
    ways = [
        node["x-amazon-apigateway-integration"]
        for _, node in house.walk(operations)
        if isinstance(node, dict) and "x-amazon-apigateway-integration" in node
    ]

    assert link.stack == api.stack
    assert tree.resources("AWS::ApiGateway::VpcLink") == []  # the older kind needs a network LB
    for way in ways:
        assert way["type"] in {"mock", "aws_proxy"} or way["connectionType"] == "VPC_LINK", way


def test_every_operation_is_validated_unless_it_says_otherwise() -> None:
    page = yaml.safe_load((house.ROOT / "openapi.yaml").read_text())
    validators = page["x-amazon-apigateway-request-validators"]
    standard = page["x-amazon-apigateway-request-validator"]

    assert validators[standard]["validateRequestParameters"] is True
    assert validators[standard]["validateRequestBody"] is True


def test_the_accounts_setting_is_touched_only_where_it_is_asked_for() -> None:
    tree = deployed.platform("prod")

    assert deployed.profile("prod")["ApiAccountLogging"] == "false"
    assert tree.resources("AWS::ApiGateway::Account") == []
