"""Diagram: what becomes of an event, an alarm, a record: who passes it on to whom."""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from registers import origins
from registers.mermaid import Flowchart
from tests.contract.templates import house

if TYPE_CHECKING:
    from collections.abc import Iterable

    from registers.origins import Origin

AWS_EVENTS = "AWS's events"
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
SHAPES = {
    "AWS::SNS::Topic": "round",
    "AWS::SQS::Queue": "queue",
    "AWS::Kinesis::Stream": "queue",
    "AWS::Events::EventBus": "queue",
    "AWS::Events::Archive": "store",
}
LABELS = {"AWS::ECS::TaskDefinition": "tasks"}
# Which properties of a type say to whom a resource passes something on, and what the arrow says.
PASSES_ON = {
    "AWS::Backup::BackupVault": {"Notifications.SNSTopicArn": "jobs"},
    "AWS::ElastiCache::ReplicationGroup": {"NotificationTopicArn": "events"},
    "AWS::Events::EventBus": {"DeadLetterConfig.Arn": "undelivered"},
    "AWS::Lambda::Function": {"DeadLetterConfig.TargetArn": "given up"},
    "AWS::RDS::EventSubscription": {"SnsTopicArn": ""},
    "AWS::SQS::Queue": {"RedrivePolicy.deadLetterTargetArn": "given up"},
    "AWS::Scheduler::Schedule": {"Target.Arn": "", "Target.DeadLetterConfig.Arn": "undelivered"},
}
SENDS = {
    *("sqs:SendMessage", "sns:Publish", "events:PutEvents"),
    *("kinesis:PutRecord", "kinesis:PutRecords"),
}
# By their Sid: grants that AWS uses in our name; our code does not.
BY_AWS_ITSELF = re.compile(r"Lambda[A-Z]|.*ForIt$")
# Who acts under a role, and the property that names it.
ACTORS = {"AWS::Lambda::Function": "Role", "AWS::ECS::TaskDefinition": "TaskRoleArn"}


def diagram() -> str:
    chart = Flowchart("LR")
    for draw in (_rules, _alarms, _subscriptions, _mappings, _archives, _passed_on, _sent):
        draw(chart)
    return chart.text()


def _node(chart: Flowchart, resource: Origin) -> str:
    name = f"{resource.stack} {resource.name}"
    label = LABELS.get(resource.kind, origins.words(resource.name))
    return chart.node(name, label, group=resource.stack, shape=SHAPES.get(resource.kind, "box"))


def _targets(stack: str, value: Any) -> list[Origin]:
    """What a value names; a role or a parameter that stands beside it is no receiver."""
    addresses = [
        text.rpartition(":")[2]
        for path, text in house.walk(value)
        if path[-1:] == ("Fn::Sub",) and isinstance(text, str)
    ]
    found = set(origins.source(stack, value))
    found |= {_by_name()[name] for name in addresses if name in _by_name()}
    return sorted(it for it in found if not it.kind.startswith(("AWS::IAM::", "Parameter")))


@functools.cache
def _by_name() -> dict[str, Origin]:
    """What a stack cannot refer to it calls by the name that ends an address."""
    return {
        str(value["Fn::Sub"]): resource
        for resource in origins.everything(*SHAPES)
        for key, value in resource.properties.items()
        if key.endswith("Name") and isinstance(value, dict) and "Fn::Sub" in value
    }


def _arrows(chart: Flowchart, source: Origin, targets: Iterable[Origin], label: str = "") -> None:
    """What goes wrong is dotted: an arrow with a label `undelivered` or `given up`."""
    for target in targets:
        dotted = label in {"undelivered", "given up"}
        chart.edge(_node(chart, source), _node(chart, target), label, dotted=dotted)


def _rules(chart: Flowchart) -> None:
    for rule in origins.everything("AWS::Events::Rule"):
        buses = _targets(rule.stack, rule.properties.get("EventBusName"))
        for bus in buses:
            _arrows(chart, bus, [rule])
        if not buses:
            chart.edge(chart.node(AWS_EVENTS, AWS_EVENTS, shape="queue"), _node(chart, rule))
        for target in origins.options(rule.properties.get("Targets", [])):
            dead = house.at(target, "DeadLetterConfig.Arn")
            _arrows(chart, rule, _targets(rule.stack, target.get("Arn")))
            _arrows(chart, rule, _targets(rule.stack, dead), "undelivered")


def _alarms(chart: Flowchart) -> None:
    """An alarm is one of many: those that tell the same topic are drawn as one."""
    told: dict[tuple[str, Origin], Counter[str]] = defaultdict(Counter)
    for alarm in origins.everything(*ALARMS):
        kind = "composites" if "Composite" in alarm.kind else "alarms"
        for topic in _targets(alarm.stack, alarm.properties.get("AlarmActions")):
            told[kind, topic][alarm.stack] += 1
    for (kind, topic), counts in sorted(told.items()):
        lines = [kind, *(f"{stack} {count}" for stack, count in sorted(counts.items()))]
        drawn = chart.node(f"{kind} {topic.name}", "<br/>".join(lines))
        chart.edge(drawn, _node(chart, topic))


def _subscriptions(chart: Flowchart) -> None:
    for subscription in origins.everything("AWS::SNS::Subscription"):
        properties = subscription.properties
        for topic in _targets(subscription.stack, properties["TopicArn"]):
            for receiver in sorted(origins.source(subscription.stack, properties["Endpoint"])):
                if receiver.resource:
                    _arrows(chart, topic, [receiver])
                else:
                    label = f"{origins.words(receiver.name)} ({properties['Protocol']})"
                    chart.node(receiver.name, label, shape="round")
                    chart.edge(_node(chart, topic), receiver.name)


def _mappings(chart: Flowchart) -> None:
    for mapping in origins.everything("AWS::Lambda::EventSourceMapping"):
        given_up = house.at(mapping.properties, "DestinationConfig.OnFailure.Destination")
        for function in _targets(mapping.stack, mapping.properties["FunctionName"]):
            for stream in _targets(mapping.stack, mapping.properties.get("EventSourceArn")):
                _arrows(chart, stream, [function], "batches")
            _arrows(chart, function, _targets(mapping.stack, given_up), "given up")


def _archives(chart: Flowchart) -> None:
    for archive in origins.everything("AWS::Events::Archive"):
        for bus in _targets(archive.stack, archive.properties["SourceArn"]):
            _arrows(chart, bus, [archive], "kept")


def _passed_on(chart: Flowchart) -> None:
    for resource in origins.everything(*PASSES_ON):
        for path, label in PASSES_ON[resource.kind].items():
            value = house.at(resource.properties, path)
            _arrows(chart, resource, _targets(resource.stack, value), label)


def _sent(chart: Flowchart) -> None:
    """What code sends by itself, as its policies allow."""
    for actor in origins.everything(*ACTORS):
        for role in _permissions(actor.stack, actor.properties.get(ACTORS[actor.kind])):
            for policy in _permissions(role.stack, role.properties.get("ManagedPolicyArns")):
                _arrows(chart, actor, sorted(_receivers(policy)), "sends")


def _permissions(stack: str, value: Any) -> list[Origin]:
    return sorted(it for it in origins.source(stack, value) if it.kind.startswith("AWS::IAM::"))


def _receivers(policy: Origin) -> set[Origin]:
    found: set[Origin] = set()
    for statement in origins.options(house.at(policy.properties, "PolicyDocument.Statement") or []):
        for_others = BY_AWS_ITSELF.match(statement.get("Sid", ""))
        if not for_others and SENDS & set(origins.options(statement.get("Action"))):
            named = _targets(policy.stack, statement.get("Resource"))
            found |= {it for it in named if it.kind in SHAPES}
    return found
