"""AdmissionReview on the wire: bytes to a `Request`, an `Answer` to bytes.

What cannot be read is refused with the field, what was found and what is allowed, and whatever could be read of
the uid, so that the API server can tell which call it was. Source: k8s.io/api/admission/v1/types.go.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from webhook.admission.request import WRITES, Kind, Operation, Request, Resource, User

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"

BODY_LIMIT_BYTES = 8 * 1024 * 1024
"""An object is at most 3 MiB in etcd, a review may hold two, and managedFields and options come on top."""

WARNING_LIMIT = 120
"""Characters of one warning; the API server cuts what is longer. Source: api/admission/v1/types.go."""


class MalformedReview(ValueError):
    """The body is not an AdmissionReview that we can judge. The text is for whoever sent it."""

    def __init__(self, field_path: str, found: str, allowed: str, *, uid: str = "") -> None:
        super().__init__(f"{field_path}: found {found}; allowed: {allowed}")
        self.uid = uid


@dataclass(frozen=True, slots=True)
class Answer:
    """Our answer to one call, before it is written down.

    `code`, `reason`, `message` and `retry_after_s` matter only when it is refused. `details` goes to programs
    (`status.details.causes`, as (reason, field, message)). `patch` is a JSON patch, for mutating calls only.
    """

    allowed: bool
    code: int = 200
    reason: str = ""
    message: str = ""
    retry_after_s: int | None = None
    causes: tuple[tuple[str, str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    audit: Mapping[str, str] = field(default_factory=dict)
    patch: tuple[Mapping[str, Any], ...] = ()


def decode(body: bytes) -> Request:
    """Read the body of a call.

    Raises:
        MalformedReview: it is not JSON, not an AdmissionReview v1, or a field has the wrong type.
    """
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as err:
        raise MalformedReview(
            "body", "no JSON document", "one AdmissionReview in JSON, nested 1,024 deep at most"
        ) from err
    if not isinstance(review, dict):
        raise MalformedReview("body", _kind_of(review), "an object")
    for name, allowed in (("apiVersion", API_VERSION), ("kind", KIND)):
        if review.get(name) != allowed:
            raise MalformedReview(name, _shown(review.get(name)), allowed, uid=_readable_uid(review))
    return _request(_field(review, "request", dict, path="request"))


def _readable_uid(review: dict[str, Any]) -> str:
    request = review.get("request")
    uid = request.get("uid") if isinstance(request, dict) else None
    return uid if isinstance(uid, str) else ""


def encode(uid: str, answer: Answer) -> bytes:
    """Write the answer as an AdmissionReview."""
    response: dict[str, Any] = {"uid": uid, "allowed": answer.allowed}
    if not answer.allowed:
        response["status"] = _status(answer)
    if answer.warnings:
        response["warnings"] = [warning[:WARNING_LIMIT] for warning in answer.warnings]
    if answer.audit:
        response["auditAnnotations"] = dict(answer.audit)
    if answer.patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = _base64(orjson.dumps(list(answer.patch)))
    return orjson.dumps({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def _status(answer: Answer) -> dict[str, Any]:
    status: dict[str, Any] = {
        "status": "Failure",
        "code": answer.code,
        "reason": answer.reason,
        "message": answer.message,
    }
    details: dict[str, Any] = {}
    if answer.retry_after_s is not None:
        details["retryAfterSeconds"] = answer.retry_after_s
    if answer.causes:
        details["causes"] = [{"reason": r, "field": f, "message": m} for r, f, m in answer.causes]
    if details:
        status["details"] = details
    return status


def _request(wire: dict[str, Any]) -> Request:
    uid = _field(wire, "uid", str, path="request.uid")
    try:
        operation = Operation(wire.get("operation", ""))
    except ValueError:
        operation = Operation.GET
    if operation not in WRITES:
        raise MalformedReview("request.operation", _shown(wire.get("operation")), ", ".join(WRITES), uid=uid)
    kind, resource = _triple(wire, "kind", uid), _triple(wire, "resource", uid)
    return Request(
        uid=uid,
        operation=operation,
        kind=Kind(*kind),
        resource=Resource(*resource),
        user=_user(_field(wire, "userInfo", dict, path="request.userInfo", uid=uid), uid),
        subresource=_optional(wire, "subResource", str, uid) or "",
        namespace=_optional(wire, "namespace", str, uid) or "",
        name=_optional(wire, "name", str, uid) or "",
        object=_optional(wire, "object", dict, uid),
        old_object=_optional(wire, "oldObject", dict, uid),
        options=_optional(wire, "options", dict, uid),
        dry_run=bool(_optional(wire, "dryRun", bool, uid)),
        wire=wire,
    )


def _user(wire: dict[str, Any], uid: str) -> User:
    groups = _unless_none(wire.get("groups"), [])
    extra = _unless_none(wire.get("extra"), {})
    if not _all_strings(groups):
        raise MalformedReview("request.userInfo.groups", _kind_of(groups), "a list of strings", uid=uid)
    if not isinstance(extra, dict) or not all(_all_strings(_unless_none(values, [])) for values in extra.values()):
        raise MalformedReview("request.userInfo.extra", _kind_of(extra), "lists of strings by key", uid=uid)
    return User(
        username=_field(wire, "username", str, path="request.userInfo.username", uid=uid),
        uid=_optional(wire, "uid", str, uid, path="request.userInfo.uid") or "",
        groups=tuple(groups),
        extra={key: tuple(values or ()) for key, values in extra.items()},
    )


def _triple(wire: dict[str, Any], name: str, uid: str) -> tuple[str, str, str]:
    triple = _field(wire, name, dict, path=f"request.{name}", uid=uid)
    group, version = (
        _optional(triple, key, str, uid, path=f"request.{name}.{key}") or "" for key in ("group", "version")
    )
    return (group, version, _field(triple, name, str, path=f"request.{name}.{name}", uid=uid))


def _field(wire: dict[str, Any], name: str, kind: type, *, path: str, uid: str = "") -> Any:
    value = wire.get(name)
    if not isinstance(value, kind) or (kind is str and not value):
        allowed = f"{_named(kind)} that is not empty" if kind is str else _named(kind)
        raise MalformedReview(path, _kind_of(value), allowed, uid=uid)
    return value


def _optional(wire: dict[str, Any], name: str, kind: type, uid: str, *, path: str = "") -> Any:
    value = wire.get(name)
    if value is not None and not isinstance(value, kind):
        raise MalformedReview(path or f"request.{name}", _kind_of(value), _named(kind), uid=uid)
    return value


def _unless_none(value: Any, default: Any) -> Any:
    return default if value is None else value


def _all_strings(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _named(kind: type) -> str:
    return {dict: "an object", str: "a string", bool: "true or false"}[kind]


def _kind_of(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number"}
    return "nothing" if value is None else names.get(type(value), "a number")


def _shown(value: Any) -> str:
    """A short value as it was sent; anything else only by its type, so that no content is echoed."""
    if isinstance(value, str) and len(value) <= 40 and value.isprintable():
        return f'"{value}"'
    return _kind_of(value)


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode("ascii")
