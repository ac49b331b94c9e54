"""The part of metric math that alarms commonly use: arithmetic, FILL, ABS, CEIL, FLOOR, MAX, MIN, SUM and AVG."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

Value = float | None

_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_SCALARS: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}
_LISTS: dict[str, Callable[[list[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda items: sum(items) / len(items),
}


class UnsupportedExpressionError(ValueError):
    """The expression uses metric math that is not supported here."""


def evaluate(text: str, metrics: Mapping[str, Value]) -> Value:
    """Returns the value of an expression in one period; None if a metric in it has no data."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise UnsupportedExpressionError(text) from error
    return _value(tree.body, metrics, text)


def _value(node: ast.AST, metrics: Mapping[str, Value], text: str) -> Value:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in metrics:
        return metrics[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand, metrics, text)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left, metrics, text), _value(node.right, metrics, text)
        if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
            return None
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _call(node.func.id.upper(), node.args, metrics, text)
    raise UnsupportedExpressionError(text)


def _call(name: str, arguments: list[ast.expr], metrics: Mapping[str, Value], text: str) -> Value:
    items = arguments[0].elts if arguments and isinstance(arguments[0], ast.List) else arguments
    values = [_value(item, metrics, text) for item in items]
    if name == "FILL" and len(values) == 2:  # noqa: PLR2004 - a metric and its replacement
        return values[1] if values[0] is None else values[0]
    known = [value for value in values if value is not None]
    if name in _SCALARS and len(values) == 1:
        return _SCALARS[name](known[0]) if known else None
    if name in _LISTS:
        return _LISTS[name](known) if known else None
    raise UnsupportedExpressionError(text)
