"""A VPC link lives in a stack; what would take it is answered at once, and says why."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def resources(subnet: str, name: str) -> dict[str, Any]:
    integration = {
        "type": "http_proxy",
        "httpMethod": "GET",
        "uri": "http://${stageVariables.service}/health",
        "connectionType": "VPC_LINK",
        "connectionId": "${stageVariables.link}",
        "integrationTarget": "arn:aws:elasticloadbalancing:::loadbalancer/app/x/1",
    }
    body = {
        "openapi": "3.0.1",
        "info": {"title": "private", "version": "1"},
        "paths": {"/health": {"get": {"x-amazon-apigateway-integration": integration}}},
    }
    api = {"Ref": "Api"}
    stage = {"RestApiId": api, "StageName": "live", "Variables": {"link": {"Ref": "Link"}}}
    return {
        "Link": {
            "Type": "AWS::ApiGatewayV2::VpcLink",
            "Properties": {"Name": name, "SubnetIds": [subnet], "Tags": {"a": "b"}},
        },
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}},
        "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": stage},
    }


def test_a_request_for_the_service_hears_that_there_is_none(cloud: Cloud) -> None:
    def deploy(subnet: str, name: str) -> dict[str, str]:
        outputs = {name: {"Value": {"Ref": name}} for name in ("Api", "Link")}
        made = cloud.deploy("private-way", resources(subnet, name), Outputs=outputs)
        assert made["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        return {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}

    first = deploy("subnet-1", "one")
    url = f"http://127.0.0.1:{cloud.port}/_aws/execute-api/{first['Api']}/live/health"
    began = time.monotonic()
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(url, timeout=10)

    assert time.monotonic() - began < 5
    assert refusal.value.code == 503
    answer = json.load(refusal.value)
    assert answer.keys() == {"error", "requestId"}
    assert answer["error"] == "THE_LAPTOP_RUNS_NO_SERVICE"

    assert deploy("subnet-1", "renamed") == first
    moved = deploy("subnet-2", "renamed")
    assert moved["Link"] != first["Link"]
    stage = cloud.client("apigateway").get_stage(restApiId=first["Api"], stageName="live")
    assert stage["variables"] == {"link": moved["Link"]}
    cloud.delete("private-way")
