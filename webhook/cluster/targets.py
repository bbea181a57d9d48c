"""Finds what a request is bound to when its review does not say: the Pod behind exec, eviction, binding."""

from webhook.admission.request import Request
from webhook.approval.intent import Target
from webhook.cluster.client import Cluster


async def target_of(cluster: Cluster, request: Request) -> Target:
    """Read UID and images of the parent Pod, live: `container=image id`, in the order of the Pod.

    Raises:
        NotFound: there is no such Pod.
        ClusterError: it cannot be read.
    """
    pod = await cluster.get(f"/api/v1/namespaces/{request.namespace}/pods/{request.name}")
    running = {
        status.get("name"): status.get("imageID") or status.get("image", "")
        for status in (pod.get("status") or {}).get("containerStatuses") or ()
    }
    containers = pod["spec"].get("containers") or ()
    images = tuple(f"{c['name']}={running.get(c['name']) or c.get('image', '')}" for c in containers)
    return Target(uid=pod["metadata"]["uid"], images=images)
