"""How we write webhook configurations, and how we see that somebody changed one.

Every field that the API server would default is written, so that what stands can be compared for equality. No
namespaceSelector or objectSelector narrows anything: agents write labels.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webhook.cluster import names

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API server finds us."""

    namespace: str
    service: str
    port: int
    """Port of the Service."""
    ca_pem: str
    paths: Mapping[str, str] = field(repr=False)
    """The secret of each room, see `keys.ROOMS`."""

    def client_config(self, path: str, *, room: str = "") -> Manifest:
        """Write the address of one of our paths; `path` is what follows the secret of the room.

        room: whose secret it is; the first part of the path if it is not given.
        """
        return {
            "service": {
                "namespace": self.namespace,
                "name": self.service,
                "path": f"/{self.paths[room or path.partition('/')[0]]}/{path}",
                "port": self.port,
            },
            "caBundle": base64.b64encode(self.ca_pem.encode()).decode(),
        }


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the API server does about one webhook's answers."""

    failure_policy: str
    side_effects: str
    timeout_s: int


def webhook(
    name: str,
    client_config: Manifest,
    *,
    rules: Sequence[Manifest],
    behaviour: Behaviour,
    conditions: Sequence[Mapping[str, str]] = (),
) -> Manifest:
    """Write one webhook. `conditions` must all hold for the API server to call."""
    return {
        "name": name,
        "clientConfig": client_config,
        "rules": list(rules),
        "failurePolicy": behaviour.failure_policy,
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "sideEffects": behaviour.side_effects,
        "timeoutSeconds": behaviour.timeout_s,
        "admissionReviewVersions": ["v1"],
        **({"matchConditions": list(conditions)} if conditions else {}),
    }


def configuration(kind: str, name: str, webhooks: Sequence[Manifest]) -> Manifest:
    """Write one object that holds webhooks; none is allowed."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": dict(names.LABELS)},
        "webhooks": list(webhooks),
    }


def differs(desired: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Name our fields that are not as we want them, without values. Other labels and annotations are not ours."""
    labels = (live.get("metadata") or {}).get("labels") or {}
    wanted = desired["metadata"]["labels"]
    different = [f"metadata.labels[{key}]" for key, value in wanted.items() if labels.get(key) != value]
    for part in ("webhooks", "spec"):
        if part in desired:
            different += _differences(part, desired[part], live.get(part) or type(desired[part])())
    return different


def _differences(path: str, wanted: Any, found: Any) -> list[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        keys = sorted(wanted.keys() | found.keys())
        return [one for key in keys for one in _differences(f"{path}.{key}", wanted.get(key), found.get(key))]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        pairs = enumerate(zip(wanted, found, strict=True))
        return [one for i, (left, right) in pairs for one in _differences(f"{path}[{i}]", left, right)]
    return [] if wanted == found else [path]
