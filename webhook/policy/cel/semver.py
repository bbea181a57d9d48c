"""Semantic versions in CEL: `semver("1.2.3")`, also from `semver("v1.2", true)`, and how they compare.

Source: k8s.io/apiserver/pkg/cel/library/semverlib.go, https://semver.org/spec/v2.0.0.html items 2, 9 to 11
"""

import re
from collections.abc import Mapping
from typing import Any

from webhook.policy.cel.declare import BOOL, INT, STRING, THING, Function, function, member, text_of, thing

KIND = "semver"
_NUMBER = r"(0|[1-9][0-9]*)"
_PRE = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_FORM = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PRE}(?:\.{_PRE})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_LOOSE = re.compile(r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?([-+].*)?")
_LARGEST = 2**63 - 1
# Image tags have at most 128 characters, the longest place where versions are written.
_LONGEST = 256

Order = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


def order(text: str) -> Order:
    """Read a version as what it is sorted by; build metadata does not count.

    Raises:
        ValueError: it is none.
    """
    found = _FORM.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError("not a semantic version")
    major, minor, patch = (int(number) for number in found.groups()[:3])
    if max(major, minor, patch) > _LARGEST:
        raise ValueError("not a semantic version")
    before = tuple(_identifier(part) for part in found[4].split(".")) if found[4] else ((2, 0, ""),)
    return (major, minor, patch, before)


def _identifier(part: str) -> tuple[int, int, str]:
    """Numbers sort before words, and any of them before a release, which is (2, ...)."""
    return (0, int(part), "") if part.isdigit() else (1, 0, part)


def normalized(text: str) -> str:
    """Drop a leading v, add minor and patch, drop leading zeros; what is not even that is returned as it is."""
    found = _LOOSE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return text
    numbers = ".".join((number or "0").lstrip("0") or "0" for number in found.groups()[:3])
    return numbers + (found[4] or "")


def _made(text: str, normalize: bool = False) -> dict[str, str]:
    text = normalized(text) if normalize else text
    order(text)
    return thing(KIND, text.partition("+")[0])


def _is_semver(text: str, normalize: bool = False) -> bool:
    try:
        order(normalized(text) if normalize else text)
    except ValueError:
        return False
    return True


def compare(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    """Return -1, 0 or 1."""
    a, b = order(text_of(KIND, one)), order(text_of(KIND, other))
    return (a > b) - (a < b)


def _number(index: int) -> Any:
    return lambda value: order(text_of(KIND, value))[index]


FUNCTIONS: tuple[Function, ...] = (
    function("semver", [STRING], THING, _made),
    function("semver", [STRING, BOOL], THING, _made),
    function("isSemver", [STRING], BOOL, _is_semver),
    function("isSemver", [STRING, BOOL], BOOL, _is_semver),
    member("major", [THING], INT, _number(0)),
    member("minor", [THING], INT, _number(1)),
    member("patch", [THING], INT, _number(2)),
)
