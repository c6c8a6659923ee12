"""A template's function has its reserved concurrency, its files, and variables that are text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

CODE = "import os\ndef handler(event, context): return [os.environ['NUMBER'], os.environ['FLAG']]"


def test_reserved_concurrency_and_variables_follow_the_template(cloud: Cloud) -> None:
    def deploy(**more: Any) -> str:
        properties = {
            "FunctionName": "template-function",
            "Role": role,
            "Runtime": "python3.14",
            "Handler": "index.handler",
            "Code": {"ZipFile": CODE},
            "Environment": {"Variables": {"NUMBER": 5, "FLAG": True}},
        }
        function = {"Type": "AWS::Lambda::Function", "Properties": properties | more}
        return str(cloud.deploy("template-function", {"Function": function})["StackStatus"])

    def reserved() -> int | None:
        found = cloud.client("lambda").get_function(FunctionName="template-function")
        return found.get("Concurrency", {}).get("ReservedConcurrentExecutions")  # type: ignore[no-any-return]

    def mounts() -> Any:
        lambdas = cloud.client("lambda")
        found = lambdas.get_function_configuration(FunctionName="template-function")
        return found.get("FileSystemConfigs", [])

    role = cloud.role("template-function")
    door = f"arn:aws:elasticfilesystem:eu-central-1:000000000000:access-point/fsap-{'0' * 17}"
    mount = {"Arn": door, "LocalMountPath": "/mnt/files"}
    assert deploy(ReservedConcurrentExecutions="3") == "CREATE_COMPLETE"
    assert reserved() == 3
    assert cloud.invoke("template-function") == (None, ["5", "true"])

    assert deploy(ReservedConcurrentExecutions=0) == "UPDATE_COMPLETE"
    assert reserved() == 0
    assert deploy() == "UPDATE_COMPLETE"
    assert reserved() is None
    assert mounts() == []
    assert deploy(FileSystemConfigs=[mount]) == "UPDATE_COMPLETE"
    assert mounts() == [mount]
    cloud.delete("template-function")
