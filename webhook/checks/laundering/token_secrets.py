"""A controller fills a Secret of this type with a token that never ends; a bootstrap token lets a new node in.

Rule: no token Secret and no bootstrap token is written.
Fields: `type` of Secrets, before or after the write.
Allowed: every type but `kubernetes.io/service-account-token` and `bootstrap.kubernetes.io/token`; deleting.
Source: https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets,
    https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import WRITTEN, request_check, value_at, what
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

ID = "token-secrets"

_MAKES = {
    "kubernetes.io/service-account-token": "makes a token that never ends; use kubectl create token",
    "bootstrap.kubernetes.io/token": "lets a new node join the cluster; leave it to whoever runs the nodes",
}


def judge(request: Request) -> Iterator[str]:
    """Yield one message if the Secret is of such a type."""
    found = (value_at(obj, "type") for obj in (request.object, request.old_object))
    for secret_type in dict.fromkeys(kind for kind in found if isinstance(kind, str) and kind in _MAKES):
        yield f"{what(request)} with type={quoted(secret_type)} {_MAKES[secret_type]}"


CHECK = request_check(ID, judge, Scope.of(WRITTEN, [""], ["secrets"]))
