"""A grant on one event source mapping lets its holder look at it and switch it, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.local.conftest import LOGS, allow, refusal

if TYPE_CHECKING:
    from tests.contract.local.conftest import Cloud

SCOPE = "arn:aws:lambda:eu-central-1:000000000000:event-source-mapping:"


def mapping(cloud: Cloud, name: str) -> str:
    """Of a queue that nothing comes to."""
    cloud.client("sqs").create_queue(QueueName=name)
    queue = f"arn:aws:sqs:eu-central-1:000000000000:{name}"
    reads = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue)
    cloud.function(name, "handler = print", cloud.role(f"{name}-role", LOGS, reads))
    made = cloud.client("lambda").create_event_source_mapping(
        FunctionName=name, EventSourceArn=queue, Enabled=False
    )
    return str(made["UUID"])


def test_one_mapping_is_seen_and_switched_by_who_may(cloud: Cloud) -> None:
    mine, other = (mapping(cloud, name) for name in ("mapping-mine", "mapping-other"))
    actions = ["lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"]
    granted = cloud.session("lambda", "mapping-one", allow(actions, f"{SCOPE}{mine}"))
    lists = cloud.session("lambda", "mapping-all", allow("lambda:ListEventSourceMappings", "*"))

    for call, more in (
        (granted.get_event_source_mapping, {}),
        (granted.update_event_source_mapping, {"Enabled": False}),
    ):
        assert refusal(call, UUID=mine, **more) == "none"
        assert "AccessDenied" in refusal(call, UUID=other, **more)
    assert refusal(lists.list_event_source_mappings) == "none"
    assert "AccessDenied" in refusal(lists.get_event_source_mapping, UUID=mine)
    assert "AccessDenied" in refusal(granted.list_event_source_mappings)
    assert "AccessDenied" in refusal(granted.delete_event_source_mapping, UUID=mine)
