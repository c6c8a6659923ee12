"""Calls of an API are counted as they were answered."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud


def measured(cloud: Cloud, metric: str) -> dict[str, float]:
    now = time.time()
    points: list[dict[str, Any]] = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/ApiGateway",
        MetricName=metric,
        Dimensions=[{"Name": "ApiName", "Value": "counted"}, {"Name": "Stage", "Value": "live"}],
        StartTime=now - 60,
        EndTime=now + 60,
        Period=3600,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    return {key: sum(point[key] for point in points) for key in ("Sum", "SampleCount")}


def answered(status: int) -> dict[str, Any]:
    template = {"application/json": f'{{"statusCode": {status}}}'}
    responses = {str(status): {"statusCode": str(status)}}
    integration = {"type": "mock", "requestTemplates": template, "responses": responses}
    return {"get": {"x-amazon-apigateway-integration": integration}}


def test_each_call_counts_and_errors_are_told_apart(cloud: Cloud) -> None:
    body = {
        "openapi": "3.0.1",
        "info": {"title": "counted", "version": "1"},
        "paths": {"/good": answered(200), "/bad": answered(503)},
    }
    made = cloud.deploy(
        "api-metrics",
        {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": body}},
            "Stage": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "live"},
            },
        },
        Outputs={"Id": {"Value": {"Ref": "Api"}}},
    )
    identity = made["Outputs"][0]["OutputValue"]

    codes = []
    for path in ("good", "good", "bad", "nowhere"):
        url = f"http://127.0.0.1:{cloud.port}/_aws/execute-api/{identity}/live/{path}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                codes.append(answer.status)
        except urllib.error.HTTPError as error:
            codes.append(error.code)

    assert codes == [200, 200, 503, 403]
    assert measured(cloud, "Count") == {"Sum": 4, "SampleCount": 4}
    assert measured(cloud, "5XXError") == {"Sum": 1, "SampleCount": 4}
    assert measured(cloud, "4XXError") == {"Sum": 1, "SampleCount": 4}
    assert measured(cloud, "Latency")["SampleCount"] == 4
    cloud.delete("api-metrics")
