"""The reader of policies itself, on invented ones."""

from __future__ import annotations

import pytest

from tests.contract.templates.policies import Request, admits, services

ACCOUNT = "123456789012"
TOPIC = f"arn:aws:sns:eu-central-1:{ACCOUNT}:page"
ALARM = {"aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
DOCUMENT = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
            "Action": "sns:Pub*",
            "Resource": TOPIC,
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
        {
            "Fn::If": [
                "HasMore",
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                    "Action": ["sns:Publish"],
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/streamflix-*"}
                    },
                },
                {"Ref": "AWS::NoValue"},
            ]
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/streamflix-x"


@pytest.mark.parametrize(
    ("request_", "admitted"),
    [
        (Request("service:cloudwatch.amazonaws.com", "sns:Publish", TOPIC, ALARM), True),
        (Request("service:cloudwatch.amazonaws.com", "sns:Publish", TOPIC), False),
        (Request("service:cloudwatch.amazonaws.com", "sns:Publish", TOPIC + "x", ALARM), False),
        (Request("service:events.amazonaws.com", "sns:Publish", TOPIC, ALARM), False),
        (Request("service:cloudwatch.amazonaws.com", "sns:Subscribe", TOPIC, ALARM), False),
        (
            Request(
                "service:cloudwatch.amazonaws.com",
                "sns:Publish",
                TOPIC,
                {**ALARM, "aws:SecureTransport": "false"},
            ),
            False,
        ),
        (Request(ROLE, "sns:Publish", TOPIC, {"aws:PrincipalArn": ROLE}), True),
        (Request(ROLE, "sns:Publish", TOPIC, {"aws:PrincipalArn": "other"}), False),
        (
            Request(ROLE.replace("12", "99"), "sns:Publish", TOPIC, {"aws:PrincipalArn": ROLE}),
            False,
        ),
    ],
)
def test_a_request_is_let_in_only_by_an_allow_that_fits(request_: Request, admitted: bool) -> None:
    assert admits(DOCUMENT, request_) is admitted


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "holds"),
    [
        ("StringEqualsIfExists", "absent", "x", True),
        ("StringEqualsIfExists", "aws:SourceAccount", "x", False),
        ("StringNotEquals", "absent", "x", True),
        ("StringNotEquals", "aws:SourceAccount", ACCOUNT, False),
        ("StringNotLike", "aws:SourceAccount", ["9*", "1*"], False),
        ("Null", "absent", "true", True),
        ("Null", "aws:sourceaccount", "true", False),
        ("Null", "aws:sourceaccount", "false", True),
        ("StringLike", "aws:SourceAccount", "12345678901?", True),
    ],
)
def test_conditions_read_as_iam_reads_them(
    operator: str, key: str, wanted: object, holds: bool
) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    document = {"Statement": [{**statement, "Condition": {operator: {key: wanted}}}]}

    assert admits(document, Request("service:x", "a:B", "r", ALARM)) is holds


def test_the_services_that_a_document_names_are_those_that_it_allows() -> None:
    assert services(DOCUMENT) == {"cloudwatch.amazonaws.com"}
