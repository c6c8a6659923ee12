"""An API made of an OpenAPI definition refuses what the definition refuses, in its words."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.local.conftest import Cloud

SHAPE = '{"error":"$context.error.responseType","requestId":"$context.requestId"}'
Spec = dict[str, Any]


def mock(answer: str) -> Spec:
    return {
        "type": "mock",
        "passthroughBehavior": "never",
        "requestTemplates": {"application/json": '{"statusCode": 200}'},
        "responses": {
            "default": {
                "statusCode": "200",
                "responseTemplates": {"application/json": json.dumps({"answer": answer})},
            }
        },
    }


def spec(answer: str = "first") -> Spec:
    integration = {"x-amazon-apigateway-integration": mock(answer)}
    reference = {"$ref": "#/components/schemas/Film"}
    return {
        "openapi": "3.0.1",
        "info": {"title": "contract", "version": "1"},
        "x-amazon-apigateway-request-validator": "all",
        "x-amazon-apigateway-request-validators": {
            "all": {"validateRequestBody": True, "validateRequestParameters": True}
        },
        "x-amazon-apigateway-gateway-responses": {
            "DEFAULT_4XX": {"responseTemplates": {"application/json": SHAPE}}
        },
        "components": {
            "schemas": {
                "Title": {"type": "string", "maxLength": 10},
                "Film": {
                    "type": "object",
                    "required": ["title"],
                    "properties": {"title": {"$ref": "#/components/schemas/Title"}},
                },
            }
        },
        "paths": {
            "/films": {
                "parameters": [{"name": "page", "in": "query", "required": True}],
                "get": integration,
            },
            "/films/{proxy+}": {
                "x-amazon-apigateway-any-method": integration,
                "post": integration
                | {"requestBody": {"content": {"application/json": {"schema": reference}}}},
            },
        },
    }


def deploy(cloud: Cloud, name: str, body: Spec, burst: int = 100) -> str:
    """Deploy the API; the address of its stage."""
    api = {"Ref": "Api"}
    limits = {"ThrottlingRateLimit": 1, "ThrottlingBurstLimit": burst}
    stage = {
        "RestApiId": api,
        "StageName": "live",
        "DeploymentId": {"Ref": "Deployment"},
        "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", **limits}],
    }
    made = cloud.deploy(
        name,
        {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}},
            "Deployment": {
                "Type": "AWS::ApiGateway::Deployment",
                "Properties": {"RestApiId": api},
            },
            "Stage": {"Type": "AWS::ApiGateway::Stage", "Properties": stage},
        },
        Outputs={"Id": {"Value": api}},
    )
    assert made["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), made
    identity = made["Outputs"][0]["OutputValue"]
    return f"http://127.0.0.1:{cloud.port}/_aws/execute-api/{identity}/live"


@pytest.fixture
def stack(cloud: Cloud) -> Iterator[str]:
    name = f"api-definition-{uuid.uuid4().hex[:8]}"
    yield name
    cloud.delete(name)


@pytest.fixture
def url(cloud: Cloud, stack: str) -> str:
    return deploy(cloud, stack, spec())


def ask(method: str, url: str, body: str = "") -> tuple[int, dict[str, str]]:
    """Status and JSON of an answer, whatever its status."""
    request = urllib.request.Request(url, body.encode() or None, method=method)
    request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def test_what_the_definition_asks_for_is_answered(url: str) -> None:
    assert ask("GET", f"{url}/films?page=1") == (200, {"answer": "first"})
    assert ask("POST", f"{url}/films/new", '{"title": "Ran"}') == (200, {"answer": "first"})


@pytest.mark.parametrize("method", ["DELETE", "GET", "PUT"])
def test_a_method_for_any_verb_takes_each(url: str, method: str) -> None:
    assert ask(method, f"{url}/films/one/two")[0] == 200


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"title": 1}', '{"title": "12345678901"}'])
def test_a_body_that_is_not_the_models_is_refused(url: str, body: str) -> None:
    status, answer = ask("POST", f"{url}/films/new", body)

    assert (status, answer["error"]) == (400, "BAD_REQUEST_BODY")


def test_a_missing_parameter_is_refused_in_the_apis_own_shape(url: str) -> None:
    status, answer = ask("GET", f"{url}/films")

    assert (status, answer["error"]) == (400, "BAD_REQUEST_PARAMETERS")
    assert uuid.UUID(answer["requestId"])


def test_who_asks_too_fast_is_told_so(cloud: Cloud, stack: str) -> None:
    url = deploy(cloud, stack, spec(), burst=2)
    answers = [ask("GET", f"{url}/films?page=1")[0] for _ in range(6)]

    assert answers[:2] == [200, 200]
    assert 429 in answers[2:]


def test_a_changed_definition_changes_the_api_and_not_its_address(
    cloud: Cloud, stack: str, url: str
) -> None:
    changed = spec("second")
    changed["paths"]["/new"] = {"get": {"x-amazon-apigateway-integration": mock("new")}}
    del changed["paths"]["/films/{proxy+}"]["post"]

    assert deploy(cloud, stack, changed) == url
    assert ask("GET", f"{url}/films?page=1") == (200, {"answer": "second"})
    assert ask("GET", f"{url}/new") == (200, {"answer": "new"})
    assert ask("POST", f"{url}/films/new", "[]")[0] == 200
    assert len(cloud.client("apigateway").get_rest_apis()["items"]) == 1
