"""Gap: of an OpenAPI definition only the paths' types and addresses reach API Gateway.

Stock, the import drops methods for any verb, models, request validators, parameters, what an
integration maps and answers, and the gateway's own responses; so nothing is ever refused. And a
changed definition makes another API, under another address. Here it changes the one there is.

Not emulated: a deployment is no snapshot of the methods; a change is live at once.

Test: tests/contract/local/test_api_definition.py
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.context import Cloud
    from local.resource_types import Created, Properties

KIND = "AWS::ApiGateway::RestApi"
PATCHES: tuple[str, ...] = (
    "ministack.services.apigateway_v1:_authorizers_v1",
    "ministack.services.apigateway_v1:_documentation_parts",
    "ministack.services.apigateway_v1:_gateway_responses",
    "ministack.services.apigateway_v1:_import_path_item",
    "ministack.services.apigateway_v1:_import_rest_api",
    "ministack.services.apigateway_v1:_request_validators",
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
)
TYPES: tuple[str, ...] = (KIND,)

Spec = dict[str, Any]

VERBS = {"get", "put", "post", "delete", "options", "head", "patch"}
ANY = "x-amazon-apigateway-any-method"
VALIDATOR = "x-amazon-apigateway-request-validator"
INTEGRATION = (
    "cacheKeyParameters",
    "connectionId",
    "connectionType",
    "contentHandling",
    "credentials",
    "integrationTarget",
    "requestParameters",
    "requestTemplates",
    "timeoutInMillis",
)
PLACES = {"query": "querystring", "header": "header", "path": "path"}


def install(cloud: Cloud) -> None:  # noqa: ARG001
    apigateway_v1._import_path_item = _with_any(apigateway_v1._import_path_item)
    apigateway_v1._import_rest_api = _completed(apigateway_v1._import_rest_api)
    stock = provisioners._RESOURCE_HANDLERS[KIND]

    def update(identity: str, old: Properties, new: Properties, *rest: Any) -> Created:
        if old.get("Body") != new.get("Body") and isinstance(new.get("Body"), dict):
            _adopt(identity, apigateway_v1._import_rest_api(new["Body"]))
        made: Created = stock["update"](identity, old | {"Body": new.get("Body")}, new, *rest)
        return made

    provisioners._RESOURCE_HANDLERS[KIND] = stock | {"update": update}


def _with_any(stock: Callable[..., None]) -> Callable[..., None]:
    """Imports `x-amazon-apigateway-any-method` beside the verbs."""

    @functools.wraps(stock)
    def importing(api: str, path: str, item: Spec, *security: Any) -> None:
        stock(api, path, item, *security)
        if ANY in item:
            where = _resource(api, path)["id"]
            apigateway_v1._import_operation(api, where, "ANY", item[ANY], *security)

    return importing


def _completed(stock: Callable[..., str]) -> Callable[..., str]:
    """Adds what the stock import leaves out."""

    @functools.wraps(stock)
    def importing(spec: Spec, base: Spec | None = None) -> str:
        api = stock(spec, base)
        _add_models(api, spec)
        validators = _add_validators(api, spec)
        for path, item, verb, operation in operations(spec):
            method = _resource(api, path)["resourceMethods"][verb]
            _complete(method, item, operation)
            name = str(operation.get(VALIDATOR, spec.get(VALIDATOR, "")))
            method["requestValidatorId"] = validators.get(name)
        for kind, response in spec.get("x-amazon-apigateway-gateway-responses", {}).items():
            status, _, body = apigateway_v1._put_gateway_response(api, kind, response)
            if status >= 400:
                raise ValueError(f"The gateway response {kind} is refused: {body!r}")
        return api

    return importing


def operations(spec: Spec) -> Iterator[tuple[str, Spec, str, Spec]]:
    """Path, what holds for all its methods, verb, method."""
    for path, item in (spec.get("paths") or {}).items():
        for key, operation in item.items():
            if key in VERBS or key == ANY:
                yield path, item, "ANY" if key == ANY else key.upper(), operation


def _resource(api: str, path: str) -> dict[str, Any]:
    resources: dict[str, dict[str, Any]] = apigateway_v1._resources[api]
    return next(each for each in resources.values() if each["path"] == path)


def _add_models(api: str, spec: Spec) -> None:
    schemas = (spec.get("components") or {}).get("schemas") or spec.get("definitions") or {}
    local = {name: _localized(schema) for name, schema in schemas.items()}
    for name, schema in local.items():
        full = json.dumps({**schema, "definitions": local})
        apigateway_v1._create_model(api, {"name": name, "schema": full})


def _localized(schema: Any) -> Any:
    """The schema with references that are right inside a model."""
    text = json.dumps(schema).replace("#/components/schemas/", "#/definitions/")
    return json.loads(text)


def _add_validators(api: str, spec: Spec) -> dict[str, str]:
    """The ids of the validators by their names."""
    made = {}
    wanted = spec.get(f"{VALIDATOR}s") or {}
    for name, checks in wanted.items():
        _, _, body = apigateway_v1._create_request_validator(api, {"name": name, **checks})
        made[name] = json.loads(body)["id"]
    return made


def _complete(method: dict[str, Any], item: Spec, operation: Spec) -> None:
    """Give an imported method what its operation says about requests and the integration."""
    for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]:
        if place := PLACES.get(parameter["in"]):
            name = f"method.request.{place}.{parameter['name']}"
            method["requestParameters"][name] = bool(parameter.get("required"))
    for kind, content in ((operation.get("requestBody") or {}).get("content") or {}).items():
        reference = (content.get("schema") or {}).get("$ref", "")
        method["requestModels"][kind] = reference.rpartition("/")[2]
    said = operation.get("x-amazon-apigateway-integration")
    if not said:
        return
    integration = method["methodIntegration"]
    integration |= {key: said[key] for key in INTEGRATION if key in said}
    integration["passthroughBehavior"] = said.get("passthroughBehavior", "when_no_match").upper()
    for pattern, response in (said.get("responses") or {}).items():
        status = str(response["statusCode"])
        selection = {} if pattern == "default" else {"selectionPattern": pattern}
        mapped = response | selection | {"statusCode": status}
        integration["integrationResponses"][status] = mapped


def _adopt(identity: str, fresh: str) -> None:
    """Let the API that exists be what a fresh import is."""
    for store in (
        apigateway_v1._authorizers_v1,
        apigateway_v1._documentation_parts,
        apigateway_v1._gateway_responses,
        apigateway_v1._models,
        apigateway_v1._request_validators,
        apigateway_v1._resources,
    ):
        store[identity] = store.pop(fresh, {})
    apigateway_v1._delete_rest_api(fresh)
