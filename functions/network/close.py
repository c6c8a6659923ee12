"""CloudFormation calls this for `Custom::ClosedDefaultSecurityGroup` in stacks/network-closed.yaml.

What needs the vendor layer is imported where it is used: when that layer is broken or missing,
CloudFormation is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamflix import custom_resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamflix.custom_resource import Reply, Request
    from streamflix.deadline import Context

PHYSICAL_ID = "closed-default-security-group"
OUT_OF_TIME = (
    "EC2 did not answer within the function's time. Nobody wears the default security group, so "
    "nothing is reachable by it; deploy again"
)


def handler(event: Mapping[str, Any], context: Context) -> None:
    """Empty the default security group of the VPC, and answer CloudFormation whatever happens.

    Event: a custom resource request with the property GroupId.
    Delete touches nothing and succeeds: the group goes with its VPC.
    Raises: `BadRequest` when there is nobody to answer; `Unanswered` when the answer did not get
    through (Lambda then calls again). Safe to repeat and to run twice at once.
    """
    custom_resource.serve(event, context, _act, physical_id=PHYSICAL_ID, out_of_time=OUT_OF_TIME)


def _act(request: Request, context: Context, reply: Reply) -> Mapping[str, str]:
    from network import default_group
    from network.settings import Settings
    from streamflix import log
    from streamflix.deadline import Deadline

    env = Settings.from_env()
    group_id = request.text("GroupId")
    taken = default_group.close(group_id, Deadline.of(context), waits=reply.waits)
    log.get("network").info(
        "closed", extra={"environment": env.environment, "group": group_id, "rules": taken}
    )
    return {"GroupId": group_id}
