"""The address of an API in a stack's outputs can be opened as it stands, from root and child."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

TEMPLATE = "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/live"


def test_an_apis_address_is_the_one_where_it_answers(cloud: Cloud) -> None:
    integration = {"type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
    body = {
        "openapi": "3.0.1",
        "info": {"title": "addressed", "version": "1"},
        "paths": {"/ping": {"get": {"x-amazon-apigateway-integration": integration}}},
    }
    stage = {"RestApiId": {"Ref": "Api"}, "StageName": "live"}
    child: dict[str, Any] = {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}},
            "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": stage},
        },
        "Outputs": {
            "Url": {"Value": {"Fn::Sub": TEMPLATE}},
            "Other": {"Value": "https://example.com/?x=https://a.execute-api.b.amazonaws.com"},
        },
    }
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": cloud.url_of(child)},
    }
    outputs = {
        name: {"Value": {"Fn::GetAtt": ["Child", f"Outputs.{name}"]}} for name in ("Url", "Other")
    }
    made = cloud.deploy("api-address", {"Child": nested}, Outputs=outputs)
    found = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}

    with urllib.request.urlopen(f"{found['Url']}/ping", timeout=10) as answer:
        assert answer.status == 200
    assert found["Other"] == child["Outputs"]["Other"]["Value"]
    cloud.delete("api-address")
