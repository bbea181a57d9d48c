"""Where the object of a request lies: its Namespace, read live.

No cache and no watch: an agent that may relabel a Namespace must not be quicker than what we know of it.
"""

from typing import Any

from webhook.admission.request import Request
from webhook.cluster import names
from webhook.cluster.client import Cluster
from webhook.cluster.errors import NotFound
from webhook.policy.compile import PolicySet


async def namespace_of(cluster: Cluster, policies: PolicySet, request: Request) -> dict[str, Any] | None:
    """Return the Namespace that the object lies in, if a rule needs it to judge this request.

    Returns: None where none is needed, and where there is none: rules then count it as selected.

    Raises:
        ClusterError: it cannot be read; nothing can be judged.
    """
    if not policies.needs_namespace(request):
        return None
    try:
        return await cluster.get(names.namespace(request.lies_in))
    except NotFound:
        return None
