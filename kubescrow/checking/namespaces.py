"""What is known of namespaces offline: their labels, as far as the command line gives them.

A Namespace among the manifests does not count: whoever wrote it would choose the labels by which they are judged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubescrow.manifests.objects import KubernetesObject

NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that the API server sets by itself. Source: k8s.io/api/core/v1/well_known_labels.go"""


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Namespaces by name, and labels of all others if they are given."""

    by_name: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: Mapping[str, str] | None = None

    @classmethod
    def of(cls, objects: Iterable[KubernetesObject], labels: Mapping[str, str] | None) -> "Namespaces":
        """Collect Namespaces; other objects are left out."""
        named = (each for each in objects if (each.group, each.kind) == ("", "Namespace"))
        return cls({each.name: each.value for each in named}, labels)

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Return the Namespace of this name; None if nothing is known of it."""
        known = self.by_name.get(name)
        if known is None:
            if self.labels is None:
                return None
            known = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": self.labels}}
        metadata = known.get("metadata") or {}
        labels = {**(metadata.get("labels") or {}), NAME_LABEL: name}
        return {**known, "metadata": {**metadata, "name": name, "labels": labels}}
