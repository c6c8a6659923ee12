"""Metric math gives what CloudWatch would give, or nothing at all."""

from __future__ import annotations

import pytest

from local.metric_math import Metric, UnsupportedExpressionError, Values, evaluate


def value(expression: str, **metrics: tuple[float | None, ...]) -> Values:
    return evaluate(expression, {name: Metric(each, 60) for name, each in metrics.items()})


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", (4.0, None, 0.0)),
        ("100 * a / b", (200.0, None, 0.0)),
        ("b / a", (0.5, None, None)),
        ("a - b", (2.0, None, -3.0)),
        ("-a + 1", (-3.0, None, 1.0)),
        ("FILL(a, 0) + FILL(b, 0)", (6.0, 5.0, 3.0)),
        ("IF(b >= 3, 100 * b, 0)", (0.0, 500.0, 300.0)),
        ("IF(a > 1, b, 0)", (2.0, None, 0.0)),
        ("DIFF(a)", (None, None, -4.0)),
        ("b / PERIOD(b)", (2 / 60, 5 / 60, 3 / 60)),
        ("SUM(METRICS())", (6.0, 5.0, 3.0)),
        ("SUM(FILL(METRICS(), 0))", (6.0, 5.0, 3.0)),
        ('SUM(METRICS("b"))', (2.0, 5.0, 3.0)),
        ("MAX([FILL(a, 0), FILL(b, 0)])", (4.0, 5.0, 3.0)),
        ("MIN([a, b])", (2.0, 5.0, 0.0)),
    ],
)
def test_an_expression_is_evaluated_period_by_period(expression: str, expected: Values) -> None:
    assert value(expression, a=(4, None, 0), b=(2, 5, 3)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "RATE(a)",
        "SUM(a)",
        "FILL(a, REPEAT)",
        "a && b",
        "a ^ b",
        "c",
        "1 + 1",
        "METRICS()",
        "METRICS() + 1",
        "ANOMALY_DETECTION_BAND(a)",
        "__import__('os').getcwd()",
        "a.values",
    ],
)
def test_what_is_not_built_has_no_value(expression: str) -> None:
    with pytest.raises(UnsupportedExpressionError):
        value(expression, a=(1, 2), b=(3, 4))
