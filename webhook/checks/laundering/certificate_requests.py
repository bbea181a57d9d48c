"""A signed certificate is an identity, for whatever name is in the request, and cannot be taken back.

Rule: no certificate is asked for, approved or issued.
Fields: CREATE of `certificatesigningrequests` and `podcertificaterequests` (certificates.k8s.io), UPDATE of their
    `approval` and `status`.
Allowed: labels and annotations of a request; deleting it.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing
"""

from collections.abc import Iterator

from webhook.admission.request import Operation, Request
from webhook.checks.laundering.writing import request_check, what
from webhook.checks.scope import Scope

ID = "certificate-requests"

_GROUP = ["certificates.k8s.io"]
_KINDS = ["certificatesigningrequests", "podcertificaterequests"]


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    does = "asks for" if request.operation is Operation.CREATE else "decides on"
    yield f"{what(request)} {does} an identity that cannot be taken back; use a ServiceAccount token"


CHECK = request_check(
    ID,
    judge,
    Scope.of(["CREATE"], _GROUP, _KINDS),
    Scope.of(["UPDATE"], _GROUP, [f"{kind}/{below}" for kind in _KINDS for below in ("approval", "status")]),
)
