"""Gap: a nested stack is deployed by a shortened copy of the deployer.

Stock, a child gets neither the SAM transform nor its ``{{resolve:…}}`` references nor its parent's
tags, a failed child leaves its resources behind, a failed update stays half applied, and a delete
ignores errors and deletion policies. Here a child runs through the very functions that deploy a
root stack, on a loop of its own, so that it rolls back as a root does.

Not emulated: a child's clean-up of replaced and removed resources happens at the end of the
child's own update, where AWS waits for the root's.

Test: tests/contract/local/test_nested_stacks.py
"""

from __future__ import annotations

import asyncio
import copy
import uuid
from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region, now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, helpers, provisioners, stacks

if TYPE_CHECKING:
    from local.context import Cloud

PATCHES: tuple[str, ...] = (
    "ministack.services.cloudformation:_stacks",
    "ministack.services.cloudformation:_stack_events",
    "ministack.services.cloudformation.engine:_apply_transforms",
    "ministack.services.cloudformation.engine:_evaluate_conditions",
    "ministack.services.cloudformation.engine:_parse_template",
    "ministack.services.cloudformation.engine:_resolve_parameters",
    "ministack.services.cloudformation.engine:validate_template_support",
    "ministack.services.cloudformation.helpers:_resolve_template",
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS",
    "ministack.services.cloudformation.provisioners:_check_nested_stack_capabilities",
    "ministack.services.cloudformation.provisioners:_cr_stack_id",
    "ministack.services.cloudformation.provisioners:_inherited_capabilities",
    "ministack.services.cloudformation.provisioners:_nested_stack_lookup_name",
    "ministack.services.cloudformation.provisioners:_tag_map",
    "ministack.services.cloudformation.stacks:_add_event",
    "ministack.services.cloudformation.stacks:_delete_stack_async",
    "ministack.services.cloudformation.stacks:_deploy_stack_async",
)
TYPES: tuple[str, ...] = ("AWS::CloudFormation::Stack",)

Record = dict[str, Any]
Created = tuple[str, Record]


def install(cloud: Cloud) -> None:  # noqa: ARG001 - every hook has this signature
    provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"] = {
        "create": create,
        "update": update,
        "delete": delete,
    }


def create(logical_id: str, properties: Record, parent: str) -> Created:
    """Deploy a new child. Raises when it fails; then nothing of it is left."""
    name = f"{parent}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"
    scope = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}"
    record = _described(properties, parent)
    record |= {
        "StackName": name,
        "StackId": f"{scope}:stack/{name}/{uuid.uuid4()}",
        "StackStatus": "CREATE_IN_PROGRESS",
        "CreationTime": now_iso(),
        "_resources": {},
    }
    cloudformation._stacks[name] = record
    cloudformation._stack_events[record["StackId"]] = []
    _deploy(record, previous=None)
    if record["StackStatus"] != "CREATE_COMPLETE":
        reason = _why(record)
        asyncio.run(stacks._delete_stack_async(name, record["StackId"]))
        raise ValueError(reason)
    return record["StackId"], _outputs(record)


def update(stack_id: str, old: Record, new: Record, parent: str) -> Created:  # noqa: ARG001
    """Update a child. Raises when it fails; then the child runs what it ran before."""
    name = provisioners._nested_stack_lookup_name(stack_id)
    record = cloudformation._stacks[name]
    previous = copy.deepcopy(record)
    record.update(_described(new, parent), StackStatus="UPDATE_IN_PROGRESS")
    _deploy(record, previous)
    if record["StackStatus"] != "UPDATE_COMPLETE":
        raise ValueError(_why(record))
    if cloudformation._stacks[parent]["StackStatus"].startswith("UPDATE_ROLLBACK"):
        record["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
    return stack_id, _outputs(record)


def delete(stack_id: str, properties: Record) -> None:  # noqa: ARG001
    """Delete a child. Raises when one of its resources stays."""
    name = provisioners._nested_stack_lookup_name(stack_id)
    record = cloudformation._stacks.get(name)
    if record is None or record["StackStatus"] == "DELETE_COMPLETE":
        return
    asyncio.run(stacks._delete_stack_async(name, stack_id))
    if record["StackStatus"] != "DELETE_COMPLETE":
        raise ValueError(_why(record))


def _described(properties: Record, parent: str) -> Record:
    """What a stack's record says about its template, parameters and tags."""
    body, refused = helpers._resolve_template({"TemplateURL": [properties["TemplateURL"]]})
    if refused or not body:
        raise ValueError(f"The template at {properties['TemplateURL']} cannot be read.")
    given = [
        {"Key": name, "Value": _text(value)}
        for name, value in (properties.get("Parameters") or {}).items()
    ]
    template = engine._apply_transforms(engine._parse_template(body), given)
    provisioners._check_nested_stack_capabilities(parent, template)
    parameters = engine._resolve_parameters(template, given)
    conditions = engine._evaluate_conditions(template, parameters)
    engine.validate_template_support(template, conditions, params=parameters)
    inherited = {each["Key"]: each["Value"] for each in cloudformation._stacks[parent]["Tags"]}
    tags = (inherited | provisioners._tag_map(properties.get("Tags"))).items()
    return {
        "StackStatusReason": "",
        "LastUpdatedTime": now_iso(),
        "Description": template.get("Description", ""),
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value["Value"], "NoEcho": value["NoEcho"]}
            for key, value in parameters.items()
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in tags if key[:4] != "aws:"],
        "Capabilities": provisioners._inherited_capabilities(parent),
        "Outputs": [],
        "DisableRollback": False,
        "RootId": cloudformation._stacks[parent].get("RootId") or provisioners._cr_stack_id(parent),
        "ParentId": provisioners._cr_stack_id(parent),
        "_parent_stack_name": parent,
        "_region": get_region(),
        "_template": template,
        "_template_body": body,
        "_resolved_params": parameters,
        "_conditions": conditions,
    }


def _deploy(record: Record, previous: Record | None) -> None:
    """Run the root stacks' deployer to its end, on this worker thread's own loop."""
    verb = "UPDATE" if previous else "CREATE"
    name, stack_id = record["StackName"], record["StackId"]
    kind = "AWS::CloudFormation::Stack"
    stacks._add_event(stack_id, name, name, kind, f"{verb}_IN_PROGRESS", physical_id=stack_id)
    asyncio.run(
        stacks._deploy_stack_async(
            name,
            stack_id,
            record["_template"],
            record["_resolved_params"],
            disable_rollback=False,
            tags=record["Tags"],
            is_update=previous is not None,
            previous_stack=previous,
        )
    )


def _outputs(record: Record) -> Record:
    return {f"Outputs.{each['OutputKey']}": each["OutputValue"] for each in record["Outputs"]}


def _why(record: Record) -> str:
    """The first failure of the child's latest operation, as the parent shows it."""
    events = reversed(cloudformation._stack_events[record["StackId"]])
    reason = record.get("StackStatusReason") or "Unknown failure"
    for event in events:
        status = event["ResourceStatus"]
        own = event["LogicalResourceId"] == record["StackName"]
        if status in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS") and own:
            break
        if status.endswith("_FAILED") and event["ResourceStatusReason"]:
            reason = f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
    return f"Embedded stack {record['StackId']} was not successfully deployed: {reason}"


def _text(value: object) -> str:
    """A parameter as CloudFormation passes it: text; a list is refused."""
    if isinstance(value, list | dict):
        raise TypeError("The value of a nested stack's parameter must be a string.")
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
