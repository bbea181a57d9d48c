"""Which version of each resource the API server prefers.

Source: Kubernetes API concepts, "Aggregated discovery"
"""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.cluster.client import Cluster

_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def served_versions(cluster: Cluster) -> dict[tuple[str, str], str]:
    """Return the preferred version by (group, `resource` or `resource/subresource`); two requests.

    An API server without aggregated discovery (before 1.30) gives an empty answer: everything is then registered
    with all versions.

    Raises:
        ClusterError: the API server refused or did not answer.
    """
    versions: dict[tuple[str, str], str] = {}
    for path in ("/api", "/apis"):
        answer = await cluster.request("GET", path, accept=_ACCEPT)
        if answer.get("kind") == "APIGroupDiscoveryList":
            for group in answer.get("items") or ():
                for resource, version in _preferred(group):
                    versions.setdefault(((group.get("metadata") or {}).get("name", ""), resource), version)
    return versions


def _preferred(group: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield resources and versions, best version first."""
    for version in group.get("versions") or ():
        for resource in version.get("resources") or ():
            yield resource["resource"], version["version"]
            for subresource in resource.get("subresources") or ():
                yield f"{resource['resource']}/{subresource['subresource']}", version["version"]
