"""What a plain (unquoted) YAML scalar means to kubectl: words of YAML 1.1, numbers as Go reads them, else text.

Other readers differ, and what they read differently could be judged as something that it is not: to PyYAML `y` is a
text and `22:22` a number, to kubectl the first is true and the second a text.

Source: go.yaml.in/yaml/v2 resolve.go, by which sigs.k8s.io/yaml makes JSON of YAML; encoding/json (how floats are
written)
"""

import math
import re

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_NOT_FINITE = frozenset(
    {".nan", ".NaN", ".NAN"} | {f"{sign}{word}" for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
) - {"-.nan"}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:[eE][-+]?[0-9]+)?")

# 2**64 has 20 digits, in binary 64 and a prefix; what is longer is no integer, and slow to read.
_DIGITS_LIMIT = 80


class NotJson(ValueError):
    """A value that JSON cannot hold, so that kubectl refuses the document."""


def resolved(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar.

    Raises:
        NotJson: infinity, or not a number.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-0123456789":
        if text in _NOT_FINITE:
            raise NotJson
        return _number(text)
    if text[0] != ".":
        return text
    if text in _NOT_FINITE:
        raise NotJson
    return _float(text, text) if _POINT_FLOAT.fullmatch(text) else text


def key_text(key: str | float | bool) -> str:
    """Return the text that a key becomes in JSON."""
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key)


def _number(text: str) -> str | int | float:
    digits = text.replace("_", "")
    if len(digits) <= _DIGITS_LIMIT and _INTEGER.fullmatch(digits):
        number = _integer(digits)
        if -(2**63) <= number < 2**64:  # over 63 bits Go keeps it, and Kubernetes makes a float of it
            return number if number < 2**63 else float(number)
    return _float(digits, text) if _FLOAT.fullmatch(digits) else text


def _integer(digits: str) -> int:
    """Read an integer in Go's notation, in which a leading zero alone means octal."""
    magnitude = digits.lstrip("+-")
    base = 8 if len(magnitude) > 1 and magnitude.isdecimal() and magnitude[0] == "0" else 0
    number = int(magnitude, base)
    return -number if digits[0] == "-" else number


def _float(digits: str, text: str) -> str | int | float:
    """Read a float; one without a fraction is written, and so read again, as an integer; one out of range is a text."""
    number = float(digits)
    if not math.isfinite(number):
        return text
    is_whole = number.is_integer() and abs(number) < 2**63
    return int(number) if is_whole else number
