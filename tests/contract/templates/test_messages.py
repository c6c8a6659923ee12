"""Alarms, rules and dead letters of all stacks: whoever sends is let in, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.templates import deployed, keyrings, messages, policies

if TYPE_CHECKING:
    from tests.contract.templates.wires import Resource, Tree

POLICIES = {
    messages.TOPIC: ("AWS::SNS::TopicPolicy", "Topics"),
    messages.QUEUE: ("AWS::SQS::QueuePolicy", "Queues"),
}
TLS = {"aws:SecureTransport": "true"}


def guard(tree: Tree, target: Resource) -> dict[str, object]:
    """The policy that stands before a topic or a queue."""
    kind, names = POLICIES[target.kind]
    for resource in tree.resources(kind):
        if target in tree.made(resource.stack, resource.properties[names]):
            return dict(deployed.text(tree, resource.stack, resource.properties["PolicyDocument"]))
    raise AssertionError(f"{target} has no policy")


def key(tree: Tree, target: Resource) -> dict[str, object]:
    (found,) = tree.made(target.stack, target.properties["KmsMasterKeyId"])
    return dict(deployed.text(tree, found.stack, found.properties["KeyPolicy"]))


def test_every_topic_lets_in_whoever_publishes_to_it() -> None:
    tree = deployed.platform()
    sent = list(messages.messages(tree))
    refused = [
        str(it)
        for it in sent
        if not policies.admits(
            guard(tree, it.target),
            policies.Request(
                f"service:{it.service}",
                messages.ACTIONS[it.target.kind],
                deployed.arn(tree, it.target),
                {**it.knocks_with, **TLS},
            ),
        )
    ]

    assert len(sent) > 60
    assert refused == []


def test_every_key_encrypts_for_whoever_publishes() -> None:
    tree = deployed.platform()
    refused = []
    for it in messages.messages(tree):
        target = f"kms:EncryptionContext:{messages.ENCRYPTS[it.target.kind]}"
        context = {**it.encrypts_with, target: deployed.arn(tree, it.target)}
        refused += [
            (str(it), action)
            for action in keyrings.ON_THE_WAY
            if not policies.admits(
                key(tree, it.target),
                policies.Request(f"service:{it.service}", action, "*", context),
            )
        ]

    assert refused == []


def test_a_topic_lets_in_no_service_that_never_publishes_to_it() -> None:
    tree = deployed.platform()
    senders: dict[str, set[str]] = {}
    for it in messages.messages(tree):
        senders.setdefault(str(it.target), set()).add(it.service)
    for target in tree.resources(messages.TOPIC, messages.QUEUE):
        for service in policies.services(guard(tree, target)):
            assert service in senders.get(str(target), set()), (target, service)


def test_nothing_comes_in_the_clear() -> None:
    tree = deployed.platform()
    sender = keyrings.DEPLOYER
    for target in tree.resources(messages.TOPIC, messages.QUEUE):
        action, arn = messages.ACTIONS[target.kind], deployed.arn(tree, target)
        document = guard(tree, target)
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        open_policy = {"Statement": [allow, *document["Statement"]]}  # type: ignore[misc]

        for tls in ("true", "false"):
            asked = policies.Request(sender, action, arn, {"aws:SecureTransport": tls})
            assert policies.admits(open_policy, asked) is (tls == "true"), target


def test_a_topic_or_queue_that_a_resource_names_is_known_here() -> None:
    """A new kind of sender must be added to `messages`, with what it sends along."""
    tree = deployed.platform()
    known = {(str(it.source), str(it.target)) for it in messages.messages(tree)}
    guards = {kind for kind, _ in POLICIES.values()}
    kinds = {str(it): it.kind for it in tree.resources()}
    unknown = {
        (source, target)
        for source, target in messages.mentions(tree) - known
        if kinds[source]
        not in {
            *guards,
            *messages.ALARMS,  # as a dimension
            "AWS::CloudWatch::Dashboard",
            "AWS::IAM::ManagedPolicy",
            "AWS::Lambda::EventSourceMapping",  # sends with the function's role
            "AWS::Lambda::Function",  # in its environment
            "AWS::SNS::Subscription",  # in its topic's name
            messages.QUEUE,  # SQS moves what is given up itself
        }
    }

    assert unknown == set()


def test_what_a_rule_cannot_deliver_is_kept() -> None:
    tree = deployed.platform()
    rules = tree.resources("AWS::Events::Rule")

    assert rules
    for rule in rules:
        for target in tree.decided(rule.stack, rule.properties["Targets"]):
            letters = target["DeadLetterConfig"]["Arn"]
            assert deployed.meant(tree, rule.stack, letters, messages.QUEUE), rule


def test_what_nobody_waits_for_is_kept_when_it_fails() -> None:
    """A function that EventBridge calls fails out of sight: retried, then dropped."""
    tree = deployed.platform()
    called = {
        function
        for rule in tree.resources("AWS::Events::Rule")
        for target in tree.decided(rule.stack, rule.properties["Targets"])
        for function in tree.made(rule.stack, target["Arn"])
        if function.kind == "AWS::Lambda::Function"
    }

    assert called
    for function in called:
        letters = function.properties["DeadLetterConfig"]["TargetArn"]
        assert deployed.meant(tree, function.stack, letters, messages.QUEUE), function


def test_a_rule_may_call_the_function_that_it_calls_and_no_other_rule_may() -> None:
    tree = deployed.platform()
    needed, given = set(), set()
    for rule in tree.resources("AWS::Events::Rule"):
        for target in tree.decided(rule.stack, rule.properties["Targets"]):
            for function in tree.made(rule.stack, target["Arn"]):
                if function.kind == "AWS::Lambda::Function":
                    needed.add((rule, function))
    for permission in tree.resources("AWS::Lambda::Permission"):
        if permission.properties["Principal"] == "events.amazonaws.com":
            (rule,) = tree.made(permission.stack, permission.properties["SourceArn"])
            (function,) = tree.made(permission.stack, permission.properties["FunctionName"])
            given.add((rule, function))

    assert needed == given


def test_a_rule_that_calls_a_topic_or_a_queue_takes_no_role() -> None:
    """With a role, EventBridge fails to deliver to encrypted topics and queues."""
    tree = deployed.platform()
    for rule in tree.resources("AWS::Events::Rule"):
        for target in tree.decided(rule.stack, rule.properties["Targets"]):
            refused = deployed.meant(tree, rule.stack, target["Arn"], *messages.ACTIONS)
            assert not refused or "RoleArn" not in target, rule


def test_every_dead_letter_is_told_of() -> None:
    """Whatever can be left in a queue has an alarm on its number of messages."""
    tree = deployed.platform()
    watched = {
        str(queue)
        for alarm in tree.resources("AWS::CloudWatch::Alarm")
        if alarm.properties.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        for queue in tree.made(alarm.stack, alarm.properties["Dimensions"])
    }

    emptied = {  # by a function; what that gives up goes on into a queue of its own
        str(queue)
        for mapping in tree.resources("AWS::Lambda::EventSourceMapping")
        for queue in tree.made(mapping.stack, mapping.properties["EventSourceArn"])
        if "RedrivePolicy" in queue.properties
    }
    assert {str(it) for it in tree.resources(messages.QUEUE)} - watched - emptied == set()


def test_aws_speaks_of_itself_on_the_default_bus_only() -> None:
    tree = deployed.platform()
    for rule in tree.resources("AWS::Events::Rule"):
        if "EventPattern" in rule.properties:  # else the clock speaks
            sources = str(rule.properties["EventPattern"].get("source", ""))
            assert ("aws." in sources) is ("EventBusName" not in rule.properties), rule
