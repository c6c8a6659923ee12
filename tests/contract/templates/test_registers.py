"""Documents made from the templates say what the templates say; `make docs` writes them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from registers import (
    documents,
    encryption,
    findings,
    mermaid,
    origins,
    reach,
    replacement,
    resources,
)
from registers.origins import Origin

if TYPE_CHECKING:
    from pathlib import Path

every_part = pytest.mark.parametrize("part", documents.PARTS)
every_stack = pytest.mark.parametrize("stack", origins.stacks())

# The grammar that our flowcharts keep to.
NODE = re.compile(r'(n_\w+)(\["[^"]+"\]|\[\("[^"]+"\)\]|\(\["[^"]+"\]\)|\[\["[^"]+"\]\])')
EDGE = re.compile(r'(n_\w+) (?:-->|-\.->)(?:\|"[^"]+"\|)? (n_\w+)')
GROUP = re.compile(r'subgraph (n_\w+)\["[^"]+"\]')
CARRIES_EVENTS = {
    *("AWS::Events::EventBus", "AWS::Events::Rule", "AWS::Kinesis::Stream"),
    *("AWS::SNS::Topic", "AWS::SQS::Queue"),
}


@pytest.mark.parametrize("path", documents.made(), ids=lambda path: path.name)
def test_a_generated_document_says_what_the_templates_say(path: Path) -> None:
    assert path.read_text() == documents.made()[path], "run: make docs"


def test_the_architecture_shows_every_diagram_once() -> None:
    shown = documents.marked(documents.ARCHITECTURE.read_text())

    assert sorted(shown) == sorted(documents.PARTS)


@every_part
def test_a_diagram_is_a_flowchart_that_mermaid_can_draw(part: str) -> None:
    text = documents.PARTS[part]()
    fence, head, *lines, end = [line.strip() for line in text.splitlines()]
    assert (fence, head, end) == ("```mermaid", "flowchart LR", "```")

    nodes: list[str] = []
    edges: list[tuple[str, str]] = []
    groups: list[str] = []
    depth = 0
    for line in lines:
        if match := GROUP.fullmatch(line):
            groups.append(match[1])
            depth += 1
        elif line == "end":
            depth -= 1
        elif match := NODE.fullmatch(line):
            nodes.append(match[1])
        else:
            match = EDGE.fullmatch(line)
            assert match, line
            edges.append((match[1], match[2]))
        assert depth in {0, 1}, line

    assert depth == 0
    assert [name for name, count in Counter([*nodes, *groups]).items() if count > 1] == []
    assert {name for edge in edges for name in edge} == set(nodes)
    assert len(edges) <= mermaid.MOST_EDGES
    assert len(text) <= mermaid.MOST_TEXT


def test_a_label_cannot_break_out_of_its_node() -> None:
    chart = mermaid.Flowchart("LR")
    chart.node("end", 'says "] --> x')
    chart.edge("end", "end", 'a"b')

    assert chart.text().splitlines()[2:4] == [
        '  n_end["says #quot;] --> x"]',
        '  n_end -->|"a#quot;b"| n_end',
    ]


def test_two_things_do_not_share_a_node() -> None:
    chart = mermaid.Flowchart("LR")
    chart.node("a b", "one")

    with pytest.raises(ValueError, match="n_a_b"):
        chart.node("a-b", "another")


def test_a_value_is_followed_through_chapters_to_the_resource_it_comes_from() -> None:
    key = origins.stacks()["Aurora"].resources()["Cluster"]["Properties"]["KmsKeyId"]

    assert origins.source("Aurora", key) == {Origin("Keys", "DataKey")}


def test_every_key_encrypts_something() -> None:
    keys = set(origins.everything(encryption.KEY))

    assert set(encryption.encrypted()) == {it for it in keys if it.name != "SigningKey"}


def test_a_connection_is_drawn_when_one_side_calls_and_the_other_admits() -> None:
    analytics = ("Analytics", "analytics function")

    assert (analytics, ("Aurora", "cluster"), "5432") in reach.paths()
    assert (analytics, ("Cache", "replication group"), "6379") in reach.paths()


def test_nothing_is_open_to_the_world() -> None:
    assert [rule for rule in reach.rules("ingress") if rule.addresses == reach.WORLD] == []


def test_whatever_carries_events_is_drawn_with_an_arrow() -> None:
    drawn = documents.PARTS["events"]()
    ends = {name for edge in EDGE.findall(drawn) for name in edge}
    carriers = {
        mermaid.safe(f"{it.stack} {it.name}"): it for it in origins.everything(*CARRIES_EVENTS)
    }

    assert [it for name, it in carriers.items() if name not in ends] == []


def test_every_type_that_keeps_something_has_a_way_round_a_replacement() -> None:
    assert replacement.unknown() == set()


def test_the_register_of_replacements_knows_no_type_that_is_gone() -> None:
    kinds = {it.kind for it in origins.everything()}

    assert {*replacement.types(), *replacement.left_out()} - kinds == set()


def test_the_validator_agrees_on_what_replaces_a_store() -> None:
    stacks = {stack: template.name for stack, template in origins.stacks().items()}
    ours = {
        (stacks[it.stack], it.name, path.partition(".")[0])
        for it in origins.everything(*replacement.types())
        for when in (replacement.ALWAYS, replacement.SOMETIMES)
        for path in replacement.used(it, when)
    }
    stores = {(stack, name) for stack, name, _ in ours}
    theirs = {it for it in findings.replacing() if it[:2] in stores}

    assert ours == theirs


@every_stack
def test_a_stack_stays_within_what_cloudformation_allows(stack: str) -> None:
    over = {
        name: count
        for name, count in resources.counts(stack).items()
        if count > resources.LIMITS[name]
    }

    assert over == {}
    assert set(resources.counts(stack)) == set(resources.LIMITS)
