"""Named formats in CEL: `format.dns1123Label().validate(text)`, which has a value, the mistakes, if there are any.

The optional that `validate` answers with, and that of `format.named`, is one of ours (a map), as the library's cannot
be made from here: `hasValue`, `value` and `optMap` work on it, `orValue`, `or` and `?.` do not.

Source: k8s.io/apiserver/pkg/cel/library/format.go, k8s.io/apimachinery/pkg/util/validation
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from webhook.policy.cel import url
from webhook.policy.cel.declare import BOOL, DYN, MAYBE, STRING, THING, Function, function, member, text_of, thing

KIND = "format"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})*")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
    r"([Zz]|[-+][0-9]{2}:?[0-9]{2})"
)


def _matches(form: re.Pattern[str], most: int, what: str) -> Callable[[str], list[str]]:
    def mistakes(text: str) -> list[str]:
        found = [] if len(text) <= most else [f"must be no more than {most} characters"]
        return found if form.fullmatch(text) else [*found, f"must be {what}"]

    return mistakes


def _prefix(mistakes: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """A prefix of a name may end with a dash, behind which Kubernetes puts something."""
    return lambda text: mistakes(f"{text[:-1]}a" if text.endswith("-") and len(text) > 1 else text)


def _qualified_name(text: str) -> list[str]:
    prefix, slash, name = text.rpartition("/")
    mistakes = _NAME(name)
    if slash:
        mistakes += [f"prefix part {mistake}" for mistake in (_SUBDOMAINS(prefix) if prefix else ["must not be empty"])]
    return mistakes


def _unless(is_right: Callable[[str], Any], what: str) -> Callable[[str], list[str]]:
    def mistakes(text: str) -> list[str]:
        try:
            return [] if is_right(text) else [f"must be {what}"]
        except ValueError:
            return [f"must be {what}"]

    return mistakes


def _is_base64(text: str) -> bool:
    try:
        return bool(text) and base64.b64decode(text, validate=True) is not None
    except binascii.Error:
        return False


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))


def _is_datetime(text: str) -> bool:
    found = _DATETIME.fullmatch(text)
    return found is not None and bool(datetime.fromisoformat(found[1]))


_NAME = _matches(_QUALIFIED, 63, "letters, digits, -, _ and ., and begin and end with a letter or digit")
_LABELS = _matches(_LABEL, 63, "lower case letters, digits and -, and begin and end with a letter or digit")
_LABELS_1035 = _matches(_LABEL_1035, 63, "lower case letters, digits and -, begin with a letter, not end with -")
_SUBDOMAINS = _matches(_SUBDOMAIN, 253, "lower case letters, digits, - and ., each part as a label")

FORMATS: Mapping[str, Callable[[str], list[str]]] = {
    "dns1123Label": _LABELS,
    "dns1123Subdomain": _SUBDOMAINS,
    "dns1035Label": _LABELS_1035,
    "qualifiedName": _qualified_name,
    "dns1123LabelPrefix": _prefix(_LABELS),
    "dns1123SubdomainPrefix": _prefix(_SUBDOMAINS),
    "dns1035LabelPrefix": _prefix(_LABELS_1035),
    "labelValue": lambda text: _NAME(text) if text else [],
    "uri": _unless(url.parse, "a URI"),
    "uuid": _unless(_UUID.fullmatch, "a UUID"),
    "byte": _unless(_is_base64, "base64"),
    "date": _unless(_is_date, "a date such as 2026-01-31"),
    "datetime": _unless(_is_datetime, "a time such as 2026-01-31T12:00:00Z"),
}
"""Name of a format -> what says which mistakes a text has."""


def _validate(value: Mapping[str, Any], text: str) -> dict[str, Any]:
    mistakes = FORMATS[text_of(KIND, value)](text)
    return {"optional": mistakes} if mistakes else {}


def _named(name: str) -> dict[str, Any]:
    return {"optional": thing(KIND, name)} if name in FORMATS else {}


def _maybe(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if value.keys() - {"optional"}:
        raise ValueError("not an optional")
    return value


def _value(value: Mapping[str, Any]) -> Any:
    if not _maybe(value):
        raise ValueError("an optional without a value")
    return value["optional"]


def _named_function(name: str) -> Function:
    return function(f"format.{name}", [], THING, lambda: thing(KIND, name))


FUNCTIONS: tuple[Function, ...] = (
    *(_named_function(name) for name in FORMATS),
    function("format.named", [STRING], MAYBE, _named),
    member("validate", [THING, STRING], MAYBE, _validate),
    member("hasValue", [MAYBE], BOOL, lambda value: bool(_maybe(value))),
    member("value", [MAYBE], DYN, _value),
)
