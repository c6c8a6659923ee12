"""An experiment's template has an id that it keeps; one that cannot work is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

OUTPUTS = {"Ref": {"Value": {"Ref": "Failover"}}, "Id": {"Value": {"Fn::GetAtt": "Failover.Id"}}}


def resources(description: str, target: str = "cluster") -> dict[str, Any]:
    return {
        "Failover": {
            "Type": "AWS::FIS::ExperimentTemplate",
            "Properties": {
                "Description": description,
                "RoleArn": "arn:aws:iam::000000000000:role/gameday",
                "StopConditions": [{"Source": "none"}],
                "Targets": {
                    "cluster": {"ResourceType": "aws:rds:cluster", "SelectionMode": "ALL"},
                },
                "Actions": {
                    "failover": {
                        "ActionId": "aws:rds:failover-db-cluster",
                        "Targets": {"Clusters": target},
                    }
                },
                "Tags": {"Project": "streamflix"},
            },
        }
    }


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_a_template_keeps_its_id_when_it_is_changed(cloud: Cloud) -> None:
    first = outputs(cloud.deploy("gamedays", resources("one"), Outputs=OUTPUTS))
    second = outputs(cloud.deploy("gamedays", resources("two"), Outputs=OUTPUTS))
    cloud.delete("gamedays")

    assert re.fullmatch(r"EXT[A-Za-z0-9]{17}", first["Ref"])
    assert first["Id"] == first["Ref"]
    assert second == first


def test_an_action_on_a_target_that_is_not_there_is_refused(cloud: Cloud) -> None:
    stack = cloud.deploy("gamedays-broken", resources("one", target="elsewhere"))

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.delete("gamedays-broken")
