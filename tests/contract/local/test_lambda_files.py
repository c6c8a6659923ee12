"""A function finds the files that its access point shows, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

CODE = """
import os
from pathlib import Path

def handler(event, context):
    root = Path(os.environ["FILES_ROOT"])
    (root / event["name"]).write_text("x")
    return {"found": sorted(each.name for each in root.iterdir()), "other": os.environ["OTHER"]}
"""


def test_two_functions_of_one_access_point_share_a_folder_and_another_has_its_own(
    cloud: Cloud,
) -> None:
    efs = cloud.client("efs")
    system = efs.create_file_system(CreationToken="files")["FileSystemId"]
    doors = [
        efs.create_access_point(FileSystemId=system, RootDirectory={"Path": path})
        for path in ("/service", "/other")
    ]

    def call(number: int, door: Any, name: str) -> Any:
        function = f"files-{number}"
        cloud.function(
            function,
            CODE,
            Environment={"Variables": {"FILES_ROOT": "/mnt/files", "OTHER": "/mnt/filesystem"}},
            FileSystemConfigs=[{"Arn": door["AccessPointArn"], "LocalMountPath": "/mnt/files"}],
        )
        error, answer = cloud.invoke(function, {"name": name})
        assert error is None, answer
        return answer

    assert call(1, doors[0], "a")["found"] == ["a"]
    assert call(2, doors[0], "b") == {"found": ["a", "b"], "other": "/mnt/filesystem"}
    assert call(3, doors[1], "c")["found"] == ["c"]
