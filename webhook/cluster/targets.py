"""Finds what a request is bound to when its review does not say: the Pod behind exec, eviction, binding."""

from webhook.admission.request import Request
from webhook.approval.intent import Target
from webhook.cluster.client import Cluster


async def target_of(cluster: Cluster, request: Request) -> Target:
    """Read UID and images of the parent Pod, live.

    Raises:
        NotFound: there is no such Pod.
        ClusterError: it cannot be read.
    """
    pod = await cluster.get(f"/api/v1/namespaces/{request.namespace}/pods/{request.name}")
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    images = {status.get("imageID") or status.get("image", "") for status in statuses}
    images |= {container.get("image", "") for container in pod["spec"].get("containers", ())}
    return Target(uid=pod["metadata"]["uid"], images=tuple(sorted(images - {""})))
