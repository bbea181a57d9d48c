"""Lists and sets in CEL: `isSorted`, `sum`, `min`, `max`, `indexOf`, `lastIndexOf`, and `sets.*`.

Values are equal as CEL says it: numbers by their value whatever their type, and true is not 1. A time or duration can
be looked at but not handed back to the library: `sum`, `min` and `max` of such lists are errors.

Source: k8s.io/apiserver/pkg/cel/library/lists.go, github.com/google/cel-go/ext/sets.go
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from webhook.policy.cel.declare import BOOL, DYN, INT, LIST, Function, function, member

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def equal(one: Any, other: Any) -> bool:
    """Say whether two values are equal in CEL."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(equal(value, other[key]) for key, value in one.items())
        )
    return bool(one == other)


def _kind(value: Any) -> type:
    for kind in (bool, int, float, str, bytearray, datetime, timedelta):
        if isinstance(value, kind):
            return int if kind is float else kind
    raise ValueError("not comparable")


def _comparable(values: Sequence[Any]) -> Sequence[Any]:
    if len({_kind(value) for value in values}) > 1:
        raise ValueError("values of several types")
    return values


def _is_sorted(values: list[Any]) -> bool:
    return all(a <= b for a, b in pairwise(_comparable(values)))


def _sum(values: list[Any]) -> Any:
    if not values:
        return 0
    if _kind(_comparable(values)[0]) is not int:
        raise ValueError("only numbers can be added up")
    total = sum(values)
    if isinstance(total, int) and not _SMALLEST <= total <= _LARGEST:
        raise ValueError("out of range")
    return total


def _extreme(pick: Callable[[Sequence[Any]], Any]) -> Callable[[list[Any]], Any]:
    def answer(values: list[Any]) -> Any:
        if not values:
            raise ValueError("an empty list")
        if _kind(_comparable(values)[0]) in (datetime, timedelta):
            raise ValueError("times and durations cannot be handed back")
        return pick(values)

    return answer


def _index(values: list[Any], wanted: Any) -> int:
    return next((index for index, value in enumerate(values) if equal(value, wanted)), -1)


def _last_index(values: list[Any], wanted: Any) -> int:
    return next((index for index in range(len(values) - 1, -1, -1) if equal(values[index], wanted)), -1)


def _contains(values: list[Any], wanted: list[Any]) -> bool:
    return all(any(equal(one, value) for value in values) for one in wanted)


def _equivalent(values: list[Any], others: list[Any]) -> bool:
    return _contains(values, others) and _contains(others, values)


def _intersects(values: list[Any], others: list[Any]) -> bool:
    return any(equal(one, other) for one in values for other in others)


FUNCTIONS: tuple[Function, ...] = (
    member("isSorted", [LIST], BOOL, _is_sorted),
    member("sum", [LIST], DYN, _sum),
    member("min", [LIST], DYN, _extreme(min)),
    member("max", [LIST], DYN, _extreme(max)),
    member("indexOf", [LIST, DYN], INT, _index),
    member("lastIndexOf", [LIST, DYN], INT, _last_index),
    function("sets.contains", [LIST, LIST], BOOL, _contains),
    function("sets.equivalent", [LIST, LIST], BOOL, _equivalent),
    function("sets.intersects", [LIST, LIST], BOOL, _intersects),
)
