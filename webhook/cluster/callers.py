"""Who may read our metrics: whoever Kubernetes lets read them, as with its own components.

The bearer token is checked by a TokenReview, the right (`get` on the non-resource URL `/metrics`) by a
SubjectAccessReview. Source: k8s.io/apiserver DelegatingAuthenticationOptions and DelegatingAuthorizationOptions.
"""

from typing import Any

from webhook.cluster.client import Cluster
from webhook.cluster.permissions import PATH as ACCESS_REVIEWS

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path


async def may_get(cluster: Cluster, authorization: str, *, path: str) -> bool:
    """Say whether the bearer of this Authorization header may GET `path`.

    Raises:
        ClusterError: the API server could not be asked.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return False
    review = _review("authentication.k8s.io/v1", "TokenReview", {"token": token})
    status = (await cluster.create(TOKEN_REVIEWS, review)).get("status") or {}
    if status.get("authenticated") is not True:
        return False
    user = status.get("user") or {}
    spec = {
        "user": user.get("username", ""),
        "uid": user.get("uid", ""),
        "groups": user.get("groups") or [],
        "extra": user.get("extra") or {},
        "nonResourceAttributes": {"path": path, "verb": "get"},
    }
    answer = await cluster.create(ACCESS_REVIEWS, _review("authorization.k8s.io/v1", "SubjectAccessReview", spec))
    return (answer.get("status") or {}).get("allowed") is True


def _review(version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "spec": spec}
