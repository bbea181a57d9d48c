"""What is kept of an event that could not be read or masked: only what cannot be a secret.

A masker needs structure; without it there is no telling where a secret ends. So nothing is kept but the fields below,
each only if it stands at the event's first level before the break and its value has exactly the form of that field.
The rest is one placeholder: equal texts give equal digits. `length` and `hash` let whoever has the original prove it.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

from auditsink.intake.scanner import outline
from masking import MaskingKey
from masking.placeholder import Placeholders

KIND = "quarantine"

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z"

TEXTS = {
    "level": r"None|Metadata|Request|RequestResponse",
    "auditID": _UUID,
    "stage": r"RequestReceived|ResponseStarted|ResponseComplete|Panic",
    "verb": r"get|list|watch|create|update|patch|delete|deletecollection|post|put|head|options|connect",
    "requestReceivedTimestamp": _TIME,
    "stageTimestamp": _TIME,
}
TIMES = ("stageTimestamp", "requestReceivedTimestamp")
USER = {"username": rf"system:serviceaccount:{_NAME}:{_NAME}", "uid": _UUID}
OBJECT = {"apiGroup": _NAME, "resource": r"[a-z]{1,63}", "subresource": r"[a-z]{1,63}", "namespace": _NAME}
"""Without the name: people put tokens into names."""
EXTRA = {
    "authentication.kubernetes.io/credential-id": rf"JTI={_UUID}|X509SHA256=[0-9a-f]{{64}}",
    "authentication.kubernetes.io/pod-uid": _UUID,
    "authentication.kubernetes.io/pod-name": _NAME,
}


def remains(raw: bytes, *, reason: str, dedup: bytes, key: MaskingKey) -> dict[str, Any]:
    """Return an event of what is left, in the form of an audit event."""
    whole = _first_level(raw)
    kept = {name: found for name in TIMES if (found := _last(raw, name))} | _texts(whole, TEXTS)
    if user := _user(whole.get("user")):
        kept["user"] = user
    reference = whole.get("objectRef")
    if isinstance(reference, Mapping) and (known := _texts(reference, OBJECT)):
        kept["objectRef"] = known
    kept["quarantine"] = {
        "reason": reason,
        "length": len(raw),
        "hash": dedup.hex(),
        "text": Placeholders(key).make(KIND, raw.decode("latin-1")),
    }
    return kept


def _first_level(raw: bytes) -> dict[str, Any]:
    members = outline(raw).members
    values: dict[str, Any] = {}
    for name in (*TEXTS, "user", "objectRef"):
        start, end = members.get(name.encode(), (0, 0))
        with suppress(orjson.JSONDecodeError):
            values[name] = orjson.loads(raw[start:end])
    return values


def _last(raw: bytes, name: str) -> str:
    """Find a timestamp behind the break: whatever it belongs to, a time is no secret."""
    found = re.findall(rf'"{name}":"({_TIME})"'.encode(), raw)
    return found[-1].decode() if found else ""


def _user(user: Any) -> dict[str, Any]:
    if not isinstance(user, Mapping):
        return {}
    kept = _texts(user, USER)
    extra = user.get("extra")
    if "username" in kept and isinstance(extra, Mapping):
        firsts = {name: values[0] for name, values in extra.items() if isinstance(values, list) and values}
        if known := _texts(firsts, EXTRA):
            kept["extra"] = {name: [value] for name, value in known.items()}
    return kept


def _texts(values: Mapping[str, Any], forms: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: value
        for name, form in forms.items()
        if isinstance(value := values.get(name), str) and re.fullmatch(form, value)
    }
