"""What stood there before an agent's update: the same object in a form that no check finds anything in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

Object = dict[str, Any]

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "PodTemplate": ("template",),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}
"""Kinds whose Pod template can be changed; the one of a Job cannot."""

REPLICATED = {"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"}
EMPTIED = {"ClusterRole": "rules", "ClusterRoleBinding": "subjects", "Role": "rules", "RoleBinding": "subjects"}


def before(manifest: Object) -> Object | None:
    """Return what an update to `manifest` can start from; None where the API server takes no such update.

    A Pod: the same with another image, as nearly nothing else of a Pod can be changed; or without debug containers.
    """
    old, kind = deepcopy(manifest), manifest["kind"]
    if kind == "Pod":
        if old["spec"].pop("ephemeralContainers", None) is None:
            old["spec"]["containers"][0]["image"] += "-before"
        return old
    if kind in TEMPLATES:
        return _with_plain_template(old)
    if kind in EMPTIED:
        return {**old, EMPTIED[kind]: []}
    return None


def carried(live: Any, old: Any, new: Any) -> Any:
    """Return `live` with what differs between `old` and `new`, so that what the API server added stays."""
    if isinstance(live, dict) and isinstance(old, dict) and isinstance(new, dict):
        kept = {name: value for name, value in live.items() if name in new or name not in old}
        for name, value in new.items():
            if name not in old or old[name] != value:
                kept[name] = carried(live.get(name), old.get(name), value)
        return kept
    if isinstance(live, list) and isinstance(old, list) and isinstance(new, list) and len(live) == len(old):
        return [carried(*each) for each in zip(live, old, new, strict=False)] + new[len(old) :]
    return deepcopy(new)


def _with_plain_template(old: Object) -> Object:
    kind = old["kind"]
    *path, last = TEMPLATES[kind]
    at = old
    for name in path:
        at = at[name]
    spec = {"containers": [{"name": "plain", "image": "registry.example/plain:1"}]}
    metadata = {"labels": (at[last].get("metadata") or {}).get("labels")}
    at[last] = {"metadata": metadata, "spec": {"restartPolicy": "Never", **spec} if kind == "CronJob" else spec}
    if kind in REPLICATED:
        old["spec"]["replicas"] = 0  # else a controller makes Pods
    return old
