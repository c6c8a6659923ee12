"""Each request leaves one line in the stage's log, made of the stage's format."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.local.conftest import ACCOUNT, REGION
from tests.eventually import eventually

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

GROUP = "/aws/apigateway/contract"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"


def test_a_request_is_written_down_as_the_format_says(cloud: Cloud) -> None:
    integration = {
        "type": "mock",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {"default": {"statusCode": "200"}},
    }
    body = {
        "openapi": "3.0.1",
        "info": {"title": "logged", "version": "1"},
        "paths": {"/film/{id}": {"get": {"x-amazon-apigateway-integration": integration}}},
    }

    def deploy(log_format: str) -> str:
        stage = {
            "RestApiId": {"Ref": "Api"},
            "StageName": "live",
            "AccessLogSetting": {"DestinationArn": ARN, "Format": log_format},
        }
        made = cloud.deploy(
            "access-log",
            {
                "Log": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP}},
                "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}},
                "Stage": {
                    "Type": "AWS::ApiGateway::Stage",
                    "Properties": stage,
                    "DependsOn": "Log",
                },
            },
            Outputs={"Id": {"Value": {"Ref": "Api"}}},
        )
        assert made["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        identity = made["Outputs"][0]["OutputValue"]
        return f"http://127.0.0.1:{cloud.port}/_aws/execute-api/{identity}/live"

    def last() -> dict[str, Any]:
        line: dict[str, Any] = json.loads(eventually(lambda: cloud.log_of(GROUP), 5)[-1])
        return line

    url = deploy('{"route":"$context.resourcePath","status":"$context.status","no":"$context.wat"}')
    urllib.request.urlopen(f"{url}/film/7", timeout=10).close()
    assert last() == {"route": "/film/{id}", "status": "200", "no": "-"}

    deploy('{"error":"$context.error.responseType","path":"$context.path","ms":"$context.status"}')
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{url}/nowhere", timeout=10)
    wrong = {"error": "MISSING_AUTHENTICATION_TOKEN", "path": "/live/nowhere", "ms": "403"}
    assert last() == wrong
    assert len(cloud.log_of(GROUP)) == 2
    cloud.delete("access-log")
