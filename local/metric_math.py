"""CloudWatch's metric math, as much of it as the templates use.

Arithmetic, one comparison, FILL with a number, IF, DIFF, PERIOD, METRICS, and SUM, MAX and MIN
over several metrics. Anything else is an `UnsupportedExpressionError`: better no value than one
that AWS would not have.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Values = tuple[float | None, ...]
"""One value for each period, the newest last; None where there is none."""

Result = float | Values | list[Values]

ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ACROSS: dict[str, Callable[[list[float]], float]] = {"SUM": sum, "MAX": max, "MIN": min}


class UnsupportedExpressionError(ValueError):
    """This expression means something on AWS that is not built here."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The values of one metric over the periods that an alarm looks at."""

    values: Values
    period: int


def evaluate(expression: str, metrics: Mapping[str, Metric]) -> Values:
    """The expression's value in each period. All metrics have as many periods."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise UnsupportedExpressionError(expression) from error
    result = _Evaluator(expression, metrics).of(tree.body)
    if not isinstance(result, tuple):
        raise UnsupportedExpressionError(f"{expression} is not one series")
    return result


class _Evaluator:
    def __init__(self, expression: str, metrics: Mapping[str, Metric]) -> None:
        self._expression = expression
        self._metrics = metrics

    def of(self, node: ast.expr) -> Result:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self._metrics:
                return self._metrics[name].values
            case ast.List(elts=elements):
                return [self._series(each) for each in elements]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _each(operator.sub, 0.0, self._single(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return _each(ARITHMETIC[type(op)], self._single(left), self._single(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                return _each(COMPARISONS[type(op)], self._single(left), self._single(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
            case _:
                raise self._unsupported()

    def _call(self, name: str, arguments: list[ast.expr]) -> Result:
        match name, arguments:
            case "METRICS", []:
                return [metric.values for metric in self._metrics.values()]
            case "METRICS", [ast.Constant(value=str() as part)]:
                return [each.values for key, each in self._metrics.items() if part in key]
            case "PERIOD", [ast.Name(id=metric)] if metric in self._metrics:
                return float(self._metrics[metric].period)
            case "FILL", [what, ast.Constant(value=int() | float() as number)]:
                found = self.of(what)
                if isinstance(found, list):
                    return [_fill(each, number) for each in found]
                return _fill(self._series(what), number)
            case "IF", [condition, then, otherwise]:
                chosen = self._series(condition)
                return _choose(chosen, self._single(then), self._single(otherwise))
            case "DIFF", [what]:
                return _differences(self._series(what))
            case (("SUM" | "MAX" | "MIN"), [what]):
                return _across(ACROSS[name], self._bundle(what))
            case _:
                raise self._unsupported()

    def _single(self, node: ast.expr) -> float | Values:
        found = self.of(node)
        if isinstance(found, list):
            raise self._unsupported()
        return found

    def _series(self, node: ast.expr) -> Values:
        found = self.of(node)
        if not isinstance(found, tuple):
            raise self._unsupported()
        return found

    def _bundle(self, node: ast.expr) -> list[Values]:
        found = self.of(node)
        if not isinstance(found, list) or not found:
            raise self._unsupported()
        return found

    def _unsupported(self) -> UnsupportedExpressionError:
        return UnsupportedExpressionError(f"not built: {self._expression}")


def _each(
    act: Callable[[float, float], float], one: float | Values, other: float | Values
) -> float | Values:
    """Period by period; a number stands for itself in each. Nothing comes of what is missing."""
    if isinstance(one, float) and isinstance(other, float):
        return float(act(one, other))
    length = len(one) if isinstance(one, tuple) else len(other)  # type: ignore[arg-type]
    return tuple(map(_of_both(act), _spread(one, length), _spread(other, length)))


def _of_both(
    act: Callable[[float, float], float],
) -> Callable[[float | None, float | None], float | None]:
    def acting(one: float | None, other: float | None) -> float | None:
        if one is None or other is None:
            return None
        try:
            return float(act(one, other))
        except ZeroDivisionError:
            return None

    return acting


def _spread(value: float | Values, length: int) -> Values:
    return value if isinstance(value, tuple) else (value,) * length


def _fill(values: Values, number: float) -> Values:
    return tuple(float(number) if value is None else value for value in values)


def _choose(condition: Values, then: float | Values, otherwise: float | Values) -> Values:
    length = len(condition)
    choices = zip(condition, _spread(then, length), _spread(otherwise, length), strict=True)
    return tuple(None if met is None else (yes if met else no) for met, yes, no in choices)


def _differences(values: Values) -> Values:
    """Of each value from the one before, however long ago that was."""
    made: list[float | None] = []
    before: float | None = None
    for value in values:
        made.append(None if value is None or before is None else value - before)
        before = before if value is None else value
    return tuple(made)


def _across(act: Callable[[list[float]], float], bundle: list[Values]) -> Values:
    periods = ([value for value in each if value is not None] for each in zip(*bundle, strict=True))
    return tuple(act(there) if there else None for there in periods)
