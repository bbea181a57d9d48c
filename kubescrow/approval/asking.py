"""Asks the API server for what approvers see: approvals, the agent's earlier ones, and who is looking."""

import asyncio
from typing import Any

from kubescrow.approval.screen import History, Viewer
from kubescrow.approval.seen import Seen, readable
from kubescrow.saying import said
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError
from webhook.cluster.names import APPROVALS, GROUP

APPROVER = "kubescrow-approver"
VIEWER = "kubescrow-viewer"
"""ClusterRoles that suffice to decide, and to look. Source: manifests/authorization/roles.yaml."""

HISTORY_LIMIT = 500
"""Approvals of one agent that are read for its history: each may hold 64 KiB, and nobody waits for more."""

SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
MAY_I = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def equals(field: str, value: str) -> str:
    """A field selector; the value may hold anything. Source: k8s.io/apimachinery/pkg/fields EscapeValue."""
    for special in "\\,=":
        value = value.replace(special, f"\\{special}")
    return f"{field}={value}"


async def approval(cluster: Cluster, name: str) -> dict[str, Any]:
    """Read one stored approval.

    Raises:
        ClusterError: `NotFound` if there is none.
    """
    return await cluster.get(f"{APPROVALS}/{name}")


async def surroundings(cluster: Cluster, seen: Seen) -> tuple[History, Viewer]:
    """Find out what the agent asked before and who is looking; what cannot be found out is said, never guessed."""
    history, viewer = await asyncio.gather(_history(cluster, seen), _viewer(cluster, seen))
    return history, viewer


async def _history(cluster: Cluster, seen: Seen) -> History:
    query = {
        "fieldSelector": equals("spec.requester.username", seen.approval.spec.requester.username),
        "limit": str(HISTORY_LIMIT),
    }
    try:
        page = await cluster.request("GET", APPROVALS, query=query)
    except ClusterError as err:
        return History(problem=f"not known: {said(err, role=VIEWER)}")
    good, _ = readable(page.get("items") or [])
    is_cut = bool((page.get("metadata") or {}).get("continue"))
    more = f"only {HISTORY_LIMIT} of them were read, in no order" if is_cut else ""
    return History(tuple(other for other in good if other.approval.uid != seen.approval.uid), more)


async def _viewer(cluster: Cluster, seen: Seen) -> Viewer:
    policies = sorted({requirement.policy for requirement in seen.approval.spec.requirements})
    try:
        user = await whoami(cluster)
        answers = await asyncio.gather(*(_may_approve(cluster, policy) for policy in policies))
    except ClusterError:
        return Viewer()
    return Viewer(str(user.get("username", "")), dict(zip(policies, answers, strict=True)))


async def whoami(cluster: Cluster) -> dict[str, Any]:
    """Ask who we are: userInfo with username and groups.

    Raises:
        ClusterError: the API server does not say.
    """
    answer = await cluster.create(SELF, {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    user: dict[str, Any] = (answer.get("status") or {}).get("userInfo") or {}
    return user


async def _may_approve(cluster: Cluster, policy: str) -> bool:
    asked = {"group": GROUP, "resource": "agentpolicies", "verb": "approve", "name": policy}
    answer = await cluster.create(
        MAY_I,
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        },
    )
    return bool((answer.get("status") or {}).get("allowed"))
