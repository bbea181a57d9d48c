"""Whose session an event belongs to.

The effective user, with the credential of whoever authenticated: the Pod it is bound to, else the token, else the
certificate, else the user. The credential of an impersonated user is not believed: whoever may impersonate may make
up its extra fields, and so could write into another's session.

Source: k8s.io/apiserver pkg/authentication/serviceaccount/util.go (UserInfo extra keys), KEP-4193.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from auditsink.intake.columns import Columns, member
from auditsink.intake.record import Identity

EXTRA = "authentication.kubernetes.io/"
SERVICE_ACCOUNT = "system:serviceaccount:"
CERTIFICATE = "X509SHA256="


def identity_of(event: Mapping[str, Any], *, cluster: str, columns: Columns) -> Identity:
    """Return the identity of a (masked) event; an event without a user gets one that says so."""
    username = effective_user(event)
    kind, key, pod = _credential(event)
    return Identity(
        session=_session(cluster, username, kind, key),
        username=columns.text("username", username),
        kind=kind,
        key=columns.text("key", key),
        pod=columns.text("pod", pod),
    )


def effective_user(event: Mapping[str, Any]) -> str:
    """Return the user that the request was judged as."""
    name = member(event, "impersonatedUser", "username") or member(event, "user", "username")
    return name if isinstance(name, str) else ""


def is_impersonated(event: Mapping[str, Any]) -> bool:
    """Tell whether somebody acted as somebody else."""
    return isinstance(event.get("impersonatedUser"), Mapping)


def is_unbound(event: Mapping[str, Any]) -> bool:
    """Tell whether the effective user is a ServiceAccount without a credential id."""
    user = event.get("impersonatedUser") or event.get("user")
    return effective_user(event).startswith(SERVICE_ACCOUNT) and not extra(user, "credential-id")


def extra(user: Any, key: str) -> str:
    """Return the first value of one of Kubernetes' own extra fields of a user, or ""."""
    values = member(user, "extra", EXTRA + key)
    first = values[0] if isinstance(values, list) and values else ""
    return first if isinstance(first, str) else ""


def _credential(event: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return kind, key and Pod of the credential."""
    user = event.get("user")
    username = member(user, "username")
    name = username if isinstance(username, str) else ""
    credential = extra(user, "credential-id")
    if uid := extra(user, "pod-uid"):
        namespace = name.removeprefix(SERVICE_ACCOUNT).partition(":")[0]
        return "pod", uid, f"{namespace}/{extra(user, 'pod-name')}"
    if credential:
        return "certificate" if credential.startswith(CERTIFICATE) else "credential", credential, ""
    return "user", name, ""


def _session(*parts: str) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
