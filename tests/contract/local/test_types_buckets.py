"""A bucket is what its template says, and a stack cannot delete one that holds anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

NAME = "types-buckets-logs"


def bucket(days: int) -> dict[str, Any]:
    ends = {
        "Id": "End",
        "Status": "Enabled",
        "ExpirationInDays": days,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    markers = {"Id": "Markers", "Status": "Enabled", "ExpiredObjectDeleteMarker": True}
    default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    properties = {
        "BucketName": NAME,
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [default]},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": [ends, markers]},
        "Tags": [{"Key": "DataClass", "Value": "personal"}],
    }
    return {"Logs": {"Type": "AWS::S3::Bucket", "Properties": properties}}


def versions(cloud: Cloud) -> list[dict[str, str]]:
    found = cloud.client("s3").list_object_versions(Bucket=NAME)
    return [
        {"Key": each["Key"], "VersionId": each["VersionId"]}
        for each in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
    ]


def test_a_bucket_is_configured_as_its_template_says(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    cloud.deploy("types-buckets", bucket(days=30))

    default = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert default[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    owned = s3.get_bucket_ownership_controls(Bucket=NAME)["OwnershipControls"]["Rules"]
    assert owned == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_tagging(Bucket=NAME)["TagSet"] == [
        {"Key": "DataClass", "Value": "personal"}
    ]

    def life() -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = s3.get_bucket_lifecycle_configuration(Bucket=NAME)["Rules"]
        return rules

    assert [rule["Expiration"] for rule in life()] == [
        {"Days": 30},
        {"ExpiredObjectDeleteMarker": True},
    ]
    assert life()[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    cloud.deploy("types-buckets", bucket(days=7))
    assert life()[0]["Expiration"] == {"Days": 7}

    cloud.delete("types-buckets")
    assert NAME not in {each["Name"] for each in s3.list_buckets()["Buckets"]}


def test_a_bucket_that_holds_a_version_keeps_its_stack(cloud: Cloud) -> None:
    s3, cloudformation = cloud.client("s3"), cloud.client("cloudformation")
    identity = cloud.deploy("types-buckets-full", bucket(days=1))["StackId"]
    s3.put_object(Bucket=NAME, Key="log", Body=b"line")
    s3.delete_object(Bucket=NAME, Key="log")  # leaves the version and a marker

    cloudformation.delete_stack(StackName="types-buckets-full")
    assert cloud.settled(identity)["StackStatus"] == "DELETE_FAILED"
    failed = cloudformation.describe_stack_resources(StackName=identity)["StackResources"]
    assert "not empty" in failed[0]["ResourceStatusReason"]
    assert len(versions(cloud)) == 2

    s3.delete_objects(Bucket=NAME, Delete={"Objects": versions(cloud)})
    cloud.delete("types-buckets-full")
    assert NAME not in {each["Name"] for each in s3.list_buckets()["Buckets"]}
