"""Asks the API server who may approve: verb `approve` on agentpolicies.kubescrow.dev, name = policy.

A failed question is no permission: the error goes up and the decision is refused.
"""

import asyncio
from collections.abc import Iterable

from webhook.admission.request import User
from webhook.cluster.client import Cluster

PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


async def may_approve(cluster: Cluster, user: User, policies: Iterable[str]) -> frozenset[str]:
    """Return those of the policies that the user may approve.

    Raises:
        ClusterError: the API server could not be asked.
    """
    names = sorted(set(policies))
    answers = await asyncio.gather(*(_may(cluster, user, name) for name in names))
    return frozenset(name for name, yes in zip(names, answers, strict=True) if yes)


async def _may(cluster: Cluster, user: User, policy: str) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user.username,
            "uid": user.uid,
            "groups": list(user.groups),
            "resourceAttributes": {
                "group": "kubescrow.dev",
                "resource": "agentpolicies",
                "verb": "approve",
                "name": policy,
            },
        },
    }
    status = (await cluster.create(PATH, review)).get("status") or {}
    return status.get("allowed") is True and status.get("denied") is not True
