"""Kubernetes' quantities in CEL: `quantity("1.5Gi")` and what can be asked of one.

A quantity is kept as a whole number of billionths, as Kubernetes keeps it: what is finer is rounded away from zero,
what is written larger than 2^63-1 is cut to that; what is calculated is not.

Source: k8s.io/apiserver/pkg/cel/library/quantity.go, k8s.io/apimachinery/pkg/api/resource/quantity.go
"""

import re
from collections.abc import Mapping
from typing import Any

from webhook.policy.cel.declare import BOOL, DOUBLE, INT, STRING, THING, Function, function, member, text_of, thing

KIND = "quantity"
_FORM = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eE][+-]?[0-9]+|[KMGTPE]i|[numkMGTPE])?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_BILLION = 10**9
_MOST = 2**63 - 1
# Nobody writes more; a longer one would only cost time.
_LONGEST = 64
# 10^40 is beyond every cut and 10^-40 below every rounding, whatever the 64 characters before it are not.
_FARTHEST = 120


def billionths(text: str) -> int:
    """Read a quantity.

    Raises:
        ValueError: it is none.
    """
    found = _FORM.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or not (found[2] or found[3]):
        raise ValueError("not a quantity")
    sign, whole, fraction, suffix = found[1], found[2] or "", found[3] or "", found[4] or ""
    if suffix in _BINARY:
        exponent, factor = 0, 2 ** _BINARY[suffix]
    else:
        exponent, factor = (int(suffix[1:]) if len(suffix) > 1 else _DECIMAL[suffix]), 1
    digits = int(whole + fraction) * factor
    size = _scaled(digits, max(-_FARTHEST, min(_FARTHEST, exponent)) - len(fraction) + 9)
    size = min(size, _MOST * _BILLION)
    return -size if sign == "-" else size


def _scaled(digits: int, exponent: int) -> int:
    """Return digits * 10^exponent, rounded up."""
    power: int = 10 ** abs(exponent)
    return digits * power if exponent >= 0 else -(-digits // power)


def _is_quantity(text: str) -> bool:
    try:
        billionths(text)
    except ValueError:
        return False
    return True


def _made(size: int) -> dict[str, str]:
    return thing(KIND, f"{size}n")


def _size(value: Mapping[str, Any]) -> int:
    text = text_of(KIND, value)
    if not text.endswith("n") or len(text) > _LONGEST:
        raise ValueError("not a quantity of ours")
    return int(text[:-1])


def _as_integer(value: Mapping[str, Any]) -> int:
    whole, rest = divmod(_size(value), _BILLION)
    if rest or not -(2**63) <= whole <= _MOST:
        raise ValueError("not a whole number")
    return whole


def _sign(value: Mapping[str, Any]) -> int:
    return compare(value, _made(0))


def compare(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """Return -1, 0 or 1."""
    a, b = _size(one), _size(other)
    return (a > b) - (a < b)


def add(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, str]:
    """Return the sum."""
    return _made(_size(one) + _size(other))


def sub(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, str]:
    """Return the difference."""
    return _made(_size(one) - _size(other))


FUNCTIONS: tuple[Function, ...] = (
    function("quantity", [STRING], THING, lambda text: _made(billionths(text))),
    function("isQuantity", [STRING], BOOL, _is_quantity),
    member("isInteger", [THING], BOOL, lambda value: _size(value) % _BILLION == 0),
    member("asInteger", [THING], INT, _as_integer),
    member("asApproximateFloat", [THING], DOUBLE, lambda value: _size(value) / _BILLION),
    member("sign", [THING], INT, _sign),
    member("add", [THING, THING], THING, add),
    member("add", [THING, INT], THING, lambda value, n: _made(_size(value) + n * _BILLION)),
    member("sub", [THING, THING], THING, sub),
    member("sub", [THING, INT], THING, lambda value, n: _made(_size(value) - n * _BILLION)),
)
