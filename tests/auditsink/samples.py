"""Audit events as the API server writes them, and everything that must not cost an innocent one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

AUDIT_ID = "9d4a2b57-0c3e-4c55-8b51-0f6f2d7a3e10"
BOT = "system:serviceaccount:agents:bot"
JTI = "JTI=1ca49118-2e07-4984-a5f7-2ef266cc33b2"
EXTRA = "authentication.kubernetes.io/"


def event(**changes: Any) -> dict[str, Any]:
    """An audit event in the API server's order of fields; a changed field is replaced, None leaves it out."""
    whole: dict[str, Any] = {
        "level": "RequestResponse",
        "auditID": AUDIT_ID,
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/prod/configmaps/web",
        "verb": "patch",
        "user": user(),
        "impersonatedUser": None,
        "sourceIPs": ["10.0.0.7"],
        "userAgent": "kubectl/v1.37.2",
        "objectRef": {"resource": "configmaps", "namespace": "prod", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestObject": {"metadata": {"labels": {"app": "web"}}},
        "responseObject": {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "web"}, "data": {"a": "b"}},
        "requestReceivedTimestamp": "2026-11-25T19:40:33.136412Z",
        "stageTimestamp": "2026-11-25T19:40:33.140000Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def user(name: str = BOT, **extra: str) -> dict[str, Any]:
    """A user; `credential_id="JTI=..."` and such become Kubernetes' extra fields."""
    fields = {EXTRA + key.replace("_", "-"): [value] for key, value in extra.items()}
    return {"username": name, "groups": ["system:authenticated"], **({"extra": fields} if fields else {})}


def raw(value: Any) -> bytes:
    """JSON as Go writes it: without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def numbered(count: int) -> list[bytes]:
    """As many different events."""
    return [raw(event(auditID=str(uuid.UUID(int=number + 1)))) for number in range(count)]


def batch(events: Iterable[bytes]) -> bytes:
    """The body of a batch."""
    return b'{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[' + b",".join(events) + b"]}\n"


def _with(patch: str, **changes: Any) -> bytes:
    """An event whose raw patch is this text."""
    return raw(event(requestObject="PATCH", **changes)).replace(b'"PATCH"', patch.encode())


def _deep(levels: int) -> bytes:
    return _with('{"data":' + "[" * levels + '"deep"' + "]" * levels + "}")


POISON: Mapping[str, bytes] = {
    "a lone surrogate": _with(r'{"data":{"a":"\ud800","password":"hunter2-canary"}}'),
    "nesting 300 deep": _deep(300),
    "nesting 1,100 deep": _deep(1100),
    "nesting 9,900 deep": _deep(9900),
    "a number that no double holds": _with('{"spec":{"replicas":1e400}}'),
    "an integer over 64 bits": _with('{"spec":{"replicas":123456789012345678901234567890}}'),
    "an integer of 5,000 digits": _with('{"spec":{"replicas":' + "9" * 5000 + "}}"),
    "repeated keys": _with('{"data":{"a":"1","a":"2"},"data":{"b":"3"}}'),
    "a NUL in every string": raw(
        event(
            auditID="a\0b",
            verb="pa\0tch",
            userAgent="\0",
            user=user("agents\0bot"),
            objectRef={"resource": "config\0maps", "namespace": "pr\0od", "name": "we\0b"},
            requestObject={"da\0ta": "x\0y"},
            annotations={"a\0b": "c\0d"},
        )
    ),
    "an auditID of 1 MiB": raw(event(auditID="a" * (1 << 20))),
    "a name of 1 MiB": raw(event(objectRef={"resource": "configmaps", "namespace": "prod", "name": "n" * (1 << 20)})),
    "a body of 6 MiB": raw(event(requestObject={"data": {"a": "x" * (6 << 20)}})),
    "bytes that are no UTF-8": _with('{"data":{"a":"BYTES"}}').replace(b"BYTES", b"\xff\xfe\x80"),
    "a raw control character": _with('{"data":{"a":"BYTES"}}').replace(b"BYTES", b"\x00\x1b"),
    "an unknown escape": _with(r'{"data":{"a":"\x"}}'),
    "a word that is no JSON": _with('{"data":NaN}'),
    "an object that never ends": _with('{"data":{"a":[1,2'),
    "one bracket too many": raw(event()) + b"]}",
    "a string that never ends": raw(event())[:200],
    "no object": b"17",
    "an object that is no event": b'{"kind":"Secret","apiVersion":"v1","data":{"a":"aHVudGVyMi1jYW5hcnk="}}',
    "fields of other types": raw(
        {
            "level": 1,
            "auditID": "x",
            "stage": "y",
            "user": [],
            "objectRef": "z",
            "verb": {},
            "sourceIPs": {},
            "annotations": [],
            "responseStatus": "x",
            "requestURI": 5,
        }
    ),
    "times out of range": raw(event(stageTimestamp="9999-99-99T99:99:99Z", requestReceivedTimestamp="-1")),
}
"""By name. Each is one item of a batch, broken or not."""
