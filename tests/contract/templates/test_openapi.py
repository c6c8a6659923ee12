"""The public door: openapi.yaml and stacks/api.yaml say one thing, and neither tells on people."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from account import openapi_sha
from tests.contract.templates import house

TEXT = openapi_sha.OPENAPI.read_text()
SPEC: house.Body = yaml.safe_load(TEXT)
API = house.read(openapi_sha.TEMPLATE)
BALANCER = house.read(house.ROOT / "stacks" / "balancer.yaml")

ANY = "x-amazon-apigateway-any-method"
INTEGRATION = "x-amazon-apigateway-integration"
VERBS = {"get", "put", "post", "delete", "options", "head", "patch", ANY}
LONGEST_WAIT_MS = 29_000

OPERATIONS = {
    f"{verb} {path}": operation
    for path, item in SPEC["paths"].items()
    for verb, operation in item.items()
    if verb in VERBS
}
PRIVATE = {
    name: operation[INTEGRATION]
    for name, operation in OPERATIONS.items()
    if operation[INTEGRATION].get("connectionType") == "VPC_LINK"
}
# Everything of a request that names nobody.
LOGGED = {
    "deploymentId",
    "error.responseType",
    "httpMethod",
    "integration.latency",
    "integration.status",
    "requestId",
    "requestTimeEpoch",
    "resourcePath",
    "responseLatency",
    "responseLength",
    "status",
    "tlsVersion",
    "waf.status",
}

every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
every_private = pytest.mark.parametrize("integration", PRIVATE.values(), ids=PRIVATE)


def of(logical_id: str) -> house.Body:
    return dict(API.resources()[logical_id]["Properties"])


def variables(text: str) -> set[str]:
    return set(re.findall(r"\$context\.([A-Za-z.]+)", text))


def test_a_changed_file_is_deployed() -> None:
    openapi_sha.check(openapi_sha.OPENAPI, openapi_sha.TEMPLATE)


def test_the_file_is_readable_by_cloudformation() -> None:
    """An included file takes neither short functions nor anchors; PyYAML refuses the former."""
    assert not re.search(r"(?m)[:\-\[{,]\s+[&*][A-Za-z]", TEXT)
    assert "<<:" not in TEXT


def test_every_name_in_the_file_is_one_of_the_stacks() -> None:
    pseudo = {f"AWS::{name}" for name in ("AccountId", "Partition", "Region")}
    known = set(API.parameters) | set(API.resources()) | pseudo

    assert house.names_used(SPEC) - known == set()
    conditions = {value[0] for path, value in house.walk(SPEC) if path and path[-1] == "Fn::If"}
    assert conditions <= set(API.body["Conditions"])


def test_every_stage_variable_in_the_file_is_the_stages() -> None:
    used = set(re.findall(r"\$\{stageVariables\.([A-Za-z]+)\}", TEXT))

    assert used == set(of("Stage")["Variables"])


@every_operation
def test_an_operation_says_who_may_call_it_where_it_leads_and_what_it_is_for(
    operation: house.Body,
) -> None:
    signed = operation["security"] == [{"sigv4": []}]
    assert signed or operation["security"] == []
    assert signed == (operation["tags"] in (["privacy"], ["analytics"]))
    assert operation[INTEGRATION]["type"] in ({"aws_proxy"} if signed else {"mock", "http_proxy"})
    assert operation["summary"]
    assert set(operation["tags"]) <= {tag["name"] for tag in SPEC["tags"]}


def test_only_who_names_the_wrong_field_himself_is_not_asked_by_the_gateway() -> None:
    own = {
        name: operation["x-amazon-apigateway-request-validator"]
        for name, operation in OPERATIONS.items()
        if "x-amazon-apigateway-request-validator" in operation
    }

    assert own == {"post /v2/requests": "parameters"}


def test_who_asks_a_room_signs_by_iam() -> None:
    scheme = SPEC["components"]["securitySchemes"]["sigv4"]

    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "header", "Authorization")


def test_what_a_request_must_be_is_checked_for_every_operation() -> None:
    validator = SPEC["x-amazon-apigateway-request-validators"]

    assert SPEC["x-amazon-apigateway-request-validator"] == "all"
    assert validator == {
        "all": {"validateRequestBody": True, "validateRequestParameters": True},
        "parameters": {"validateRequestBody": False, "validateRequestParameters": True},
    }
    for name, operation in OPERATIONS.items():
        if name.split()[0] in {"post", "put", "patch"}:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            assert schema.rpartition("/")[2] in SPEC["components"]["schemas"]


@every_private
def test_the_private_way_ends_at_the_balancer_in_time_and_over_tls_when_there_is_a_name(
    integration: house.Body,
) -> None:
    condition, secure, plain = integration["uri"]["Fn::If"]

    assert condition == "HasServiceHostName"
    assert secure == plain.replace("http://", "https://")
    assert secure.startswith("https://${stageVariables.service}/")
    assert integration["connectionId"] == "${stageVariables.serviceLink}"
    assert integration["integrationTarget"] == {"Ref": "LoadBalancerArn"}
    assert integration["timeoutInMillis"] <= LONGEST_WAIT_MS
    mapped = integration["requestParameters"]
    assert mapped["integration.request.header.X-Request-Id"] == "context.requestId"


def test_what_is_mapped_from_a_request_is_a_parameter_of_the_operation_itself() -> None:
    """API Gateway refuses to import a mapping from a parameter that it does not know."""
    for name, operation in OPERATIONS.items():
        known = {
            f"method.request.{it['in']}.{it['name']}" for it in operation.get("parameters", [])
        }
        if operation[INTEGRATION]["type"] != "aws_proxy":  # which hands on the whole request
            mapped = operation[INTEGRATION].get("requestParameters", {}).values()
            assert {it for it in mapped if it.startswith("method.")} == known, name
        path = name.split()[1]
        inside = set(re.findall(r"\{([a-z]+)\+?\}", path))
        in_paths = {it for it in known if it.startswith("method.request.path.")}
        assert {f"method.request.path.{it}" for it in inside} == in_paths, name


def test_the_balancer_takes_the_stage_off_the_path() -> None:
    """API Gateway sends /live/app/… through a VPC link; the service knows /app/…."""
    stage = of("Stage")["StageName"]
    forwarding = {
        logical_id
        for logical_id, listener in BALANCER.resources(
            "AWS::ElasticLoadBalancingV2::Listener"
        ).items()
        if '"forward"' in json.dumps(listener["Properties"]["DefaultActions"])  # in either branch
    }
    stripping: set[Any] = set()
    for rule in BALANCER.resources("AWS::ElasticLoadBalancingV2::ListenerRule").values():
        properties = rule["Properties"]
        for transform in properties.get("Transforms", []):
            for rewrite in transform.get("UrlRewriteConfig", {}).get("Rewrites", []):
                path = rewrite["Replace"].replace("$1", r"\1")
                if re.sub(rewrite["Regex"], path, f"/{stage}/app/x") == "/app/x":
                    stripping |= house.names_used(properties["ListenerArn"])

    assert stripping == forwarding


def test_errors_of_the_door_have_one_shape_that_repeats_nothing() -> None:
    responses = SPEC["x-amazon-apigateway-gateway-responses"]
    shape = set(SPEC["components"]["schemas"]["Refusal"]["required"])

    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED"} <= set(responses)
    for kind, response in responses.items():
        (template,) = response["responseTemplates"].values()
        assert set(json.loads(template)) == shape, kind
        assert variables(template) == {"error.responseType", "requestId"}, kind
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'", kind
        assert not [value for value in headers.values() if "method.request" in value], kind


def test_the_access_log_is_json_that_names_nobody() -> None:
    stage = of("Stage")

    entry = json.loads(stage["AccessLogSetting"]["Format"])
    assert variables(stage["AccessLogSetting"]["Format"]) <= LOGGED
    assert {"requestId", "route", "status", "latency_ms", "firewall"} <= set(entry)
    assert stage["TracingEnabled"] is False
    (settings,) = stage["MethodSettings"]
    assert (settings["LoggingLevel"], settings["DataTraceEnabled"]) == ("OFF", False)


def test_the_firewall_knows_the_usual_attacks_and_keeps_no_request_of_who_is_let_in() -> None:
    firewall = of("Firewall")
    groups = {
        rule["Statement"]["ManagedRuleGroupStatement"]["Name"].removeprefix("AWSManagedRules")
        for rule in firewall["Rules"]
        if "ManagedRuleGroupStatement" in rule["Statement"]
    }

    assert groups == {
        "AmazonIpReputationList",
        "CommonRuleSet",
        "KnownBadInputsRuleSet",
        "SQLiRuleSet",
    }
    for visible in [firewall, *firewall["Rules"]]:
        assert visible["VisibilityConfig"]["SampledRequestsEnabled"] is False
        assert visible["VisibilityConfig"]["CloudWatchMetricsEnabled"] is True
    logged = of("FirewallLogging")
    assert logged["LoggingFilter"]["DefaultBehavior"] == "DROP"
    assert {next(iter(field)) for field in logged["RedactedFields"]} == {
        "UriPath",
        "QueryString",
        "SingleHeader",
    }


def test_alarms_watch_the_names_under_which_the_door_is_measured() -> None:
    name = {"Fn::Sub": "streamflix-api-${EnvironmentSuffix}"}

    assert of("RestApi")["Name"] == SPEC["info"]["title"] == name
    assert of("Firewall")["Name"] == of("Firewall")["VisibilityConfig"]["MetricName"] == name
    watched = [
        metric
        for alarm in API.resources("AWS::CloudWatch::Alarm").values()
        for _, metric in house.walk(alarm["Properties"])
        if isinstance(metric, dict) and "Namespace" in metric
    ]
    assert len(watched) > len(API.resources("AWS::CloudWatch::Alarm"))
    for metric in watched:
        dimensions = {it["Name"]: it["Value"] for it in metric["Dimensions"]}
        if metric["Namespace"] == "AWS/ApiGateway":
            assert dimensions == {"ApiName": name, "Stage": {"Ref": "Stage"}}
        else:
            region = {"Ref": "AWS::Region"}
            assert dimensions == {"WebACL": name, "Rule": "ALL", "Region": region}
