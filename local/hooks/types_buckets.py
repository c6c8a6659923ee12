"""Gap: CloudFormation deletes a bucket with all that is in it, and drops most of its settings.

On AWS a bucket that holds an object, a version or a delete marker fails the stack's delete. Here
it does, too; encryption, ownership, life cycle and tags reach MiniStack's S3 through its API.

Not emulated: the life cycle itself; nothing expires.

Test: tests/contract/local/test_types_buckets.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation import provisioners

from local import gateway, resource_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.context import Cloud
    from local.resource_types import Created, Properties

KIND = "AWS::S3::Bucket"
PATCHES: tuple[str, ...] = (
    *resource_types.PATCHES,
    "ministack.services.cloudformation.provisioners:_s3_create",
    "ministack.services.cloudformation.provisioners:_s3_update",
)
TYPES: tuple[str, ...] = ()


def install(cloud: Cloud) -> None:  # noqa: ARG001
    provisioners._RESOURCE_HANDLERS[KIND] |= {"create": create, "update": update, "delete": delete}
    resource_types.on_a_thread(KIND)


def create(logical_id: str, properties: Properties, stack: str) -> Created:
    made: Created = provisioners._s3_create(logical_id, properties, stack)
    configure(made[0], properties)
    return made


def update(name: str, old: Properties, new: Properties, stack: str) -> Created:
    made: Created = provisioners._s3_update(name, old, new, stack)
    configure(made[0], new)
    return made


def delete(name: str, _: Properties) -> None:
    """Raises: what S3 says of a bucket that is not empty. One that is gone is no failure."""
    if name in {each["Name"] for each in gateway.call("s3", "ListBuckets", {})["Buckets"]}:
        gateway.call("s3", "DeleteBucket", {"Bucket": name})


def configure(name: str, properties: Properties) -> None:
    for operation, wanted in settings(properties):
        gateway.call("s3", operation, {"Bucket": name} | wanted)


def settings(properties: Properties) -> Iterator[tuple[str, dict[str, Any]]]:
    """The operations that the template asks for, each with its arguments."""
    if encryption := properties.get("BucketEncryption"):
        rules = [
            {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
            for rule in encryption["ServerSideEncryptionConfiguration"]
        ]
        yield "PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": rules}}
    if ownership := properties.get("OwnershipControls"):
        yield "PutBucketOwnershipControls", {"OwnershipControls": ownership}
    if cycle := properties.get("LifecycleConfiguration"):
        rules = [life(rule) for rule in cycle["Rules"]]
        yield "PutBucketLifecycleConfiguration", {"LifecycleConfiguration": {"Rules": rules}}
    if tags := properties.get("Tags"):
        yield "PutBucketTagging", {"Tagging": {"TagSet": tags}}


def life(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as the API spells it; CloudFormation has flat names for what expires."""
    spelled = {"ExpirationInDays": "Days", "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
    expiration = {api: rule[name] for name, api in spelled.items() if name in rule}
    wanted = rule | {"ID": rule.get("Id", ""), "Filter": {"Prefix": rule.get("Prefix", "")}}
    wanted.pop("Prefix", None)
    return wanted | ({"Expiration": expiration} if expiration else {})
