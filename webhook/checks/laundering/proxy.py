"""Through a proxy of the API server an agent speaks to Pods, Services and kubelets from the API server's own place.

Rule: no call through a proxy.
Fields: CONNECT of `pods/proxy`, `services/proxy`, `nodes/proxy`, whatever the method and path.
Allowed: nothing.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import request_check, what
from webhook.checks.scope import Scope

ID = "proxy"


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    yield f"{what(request)} goes through the API server's proxy; call the Service from a Pod of your own"


CHECK = request_check(ID, judge, Scope.of(["CONNECT"], [""], ["*/proxy"]))
