"""Who puts messages where: alarms, rules, subscriptions, and what each one sends along.

- CloudWatch sends `aws:SourceAccount` and `aws:SourceArn` (CloudWatch user guide, SNS access)
- EventBridge sends nothing to a topic's policy (EventBridge user guide, SNS permissions: no
  support for conditions) and the rule's or bus's ARN, not its account, to a queue's
- SNS sends the topic's ARN to the queue behind a subscription (SNS guide, dead letters)
- RDS sends `aws:SourceAccount` and `aws:SourceArn` (RDS user guide, event notification)
- ElastiCache cannot publish to an encrypted topic (ElastiCache guide, event notifications)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.contract.templates import deployed, house

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.contract.templates.wires import Resource, Tree

TOPIC = "AWS::SNS::Topic"
QUEUE = "AWS::SQS::Queue"
ACTIONS = {TOPIC: "sns:Publish", QUEUE: "sqs:SendMessage"}
ENCRYPTS = {TOPIC: "aws:sns:topicArn", QUEUE: "aws:sqs:arn"}
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
ON_ALARM = ("AlarmActions", "OKActions", "InsufficientDataActions")


@dataclass(frozen=True)
class Message:
    """One arrow: a service puts something into a topic or a queue on behalf of a resource."""

    service: str
    source: Resource
    target: Resource
    knocks_with: Mapping[str, str] = field(default_factory=dict)  # at the target's policy
    encrypts_with: Mapping[str, str] = field(default_factory=dict)  # at the key's policy, beside
    # the encryption context that every target brings

    def __str__(self) -> str:
        return f"{self.service}: {self.source} -> {self.target}"


def messages(tree: Tree) -> Iterator[Message]:
    yield from _of_alarms(tree)
    yield from _of_rules(tree)
    yield from _of_buses(tree)
    yield from _of_subscriptions(tree)
    yield from _of_named(tree)


def _sent_by(tree: Tree, source: Resource) -> dict[str, str]:
    return {"aws:SourceAccount": deployed.ACCOUNT, "aws:SourceArn": deployed.arn(tree, source)}


def _named(tree: Tree, source: Resource) -> dict[str, str]:
    return {"aws:SourceArn": deployed.arn(tree, source)}


def _of_alarms(tree: Tree) -> Iterator[Message]:
    for alarm in tree.resources(*ALARMS):
        for key in ON_ALARM:
            for target in tree.made(alarm.stack, alarm.properties.get(key, [])):
                sent = _sent_by(tree, alarm)
                yield Message("cloudwatch.amazonaws.com", alarm, target, sent, sent)


def _of_rules(tree: Tree) -> Iterator[Message]:
    for rule in tree.resources("AWS::Events::Rule"):
        for target in tree.decided(rule.stack, rule.properties.get("Targets", [])):
            for end in (target["Arn"], target.get("DeadLetterConfig", {}).get("Arn", "")):
                for to in deployed.meant(tree, rule.stack, end, *ACTIONS):
                    sent = {} if to.kind == TOPIC else _named(tree, rule)
                    yield Message("events.amazonaws.com", rule, to, sent)


def _of_buses(tree: Tree) -> Iterator[Message]:
    for bus in tree.resources("AWS::Events::EventBus"):
        for to in tree.made(bus.stack, bus.properties.get("DeadLetterConfig", {})):
            yield Message("events.amazonaws.com", bus, to, _named(tree, bus))


def _of_subscriptions(tree: Tree) -> Iterator[Message]:
    for subscription in tree.resources("AWS::SNS::Subscription"):
        (topic,) = tree.made(subscription.stack, subscription.properties["TopicArn"])
        behind = [subscription.properties.get("RedrivePolicy", {}).get("deadLetterTargetArn", [])]
        if subscription.properties["Protocol"] == "sqs":
            behind.append(subscription.properties["Endpoint"])
        for to in tree.made(subscription.stack, behind):
            yield Message("sns.amazonaws.com", topic, to, _sent_by(tree, topic))


# Other resources that name a topic, and the service that then publishes to it.
NAMED = {
    "AWS::RDS::EventSubscription": ("SnsTopicArn", "events.rds.amazonaws.com"),
    "AWS::Backup::BackupVault": ("Notifications", "backup.amazonaws.com"),
    "AWS::ElastiCache::ReplicationGroup": ("NotificationTopicArn", "elasticache.amazonaws.com"),
    "AWS::Budgets::Budget": ("NotificationsWithSubscribers", "budgets.amazonaws.com"),
    "AWS::CloudFormation::Stack": ("NotificationARNs", "cloudformation.amazonaws.com"),
}


def _of_named(tree: Tree) -> Iterator[Message]:
    for kind, (key, service) in NAMED.items():
        for source in tree.resources(kind):
            for to in tree.made(source.stack, source.properties.get(key, [])):
                if to.kind in ACTIONS:
                    sent = _sent_by(tree, source)
                    yield Message(service, source, to, sent, sent)


def mentions(tree: Tree) -> set[tuple[str, str]]:
    """(resource, topic or queue) wherever one names the other, outside of policies and outputs."""
    return {
        (str(resource), str(target))
        for resource in tree.resources()
        if resource.kind != "AWS::CloudFormation::Stack"
        for _, value in house.walk(resource.properties)
        if isinstance(value, dict)
        for target in tree.made(resource.stack, value)
        if target.kind in ACTIONS and target != resource
    }
