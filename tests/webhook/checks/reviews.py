"""A request as the API server sends it: the AdmissionReview, with everything that a recorded one has."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from webhook.admission.request import Operation, Request

OPTIONS = {
    Operation.CREATE: {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-create"},
    Operation.UPDATE: {"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-edit"},
    Operation.DELETE: {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"},
    Operation.CONNECT: None,
}


def review_of(request: Request) -> bytes:
    """Write the body of the call that brings this request."""
    kind, resource = asdict(request.kind), asdict(request.resource)
    wire: dict[str, Any] = {
        "uid": "2f1a1b5c-0d9b-4f5e-9a3c-6a1f0e0b7c11",
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": request.name,
        "namespace": request.namespace,
        "operation": request.operation.value,
        "userInfo": {
            "username": request.user.username,
            "uid": request.user.uid,
            "groups": [*request.user.groups, "system:authenticated"],
            "extra": {name: list(values) for name, values in request.user.extra.items()},
        },
        "object": request.object,
        "oldObject": request.old_object,
        "dryRun": request.dry_run,
        "options": request.options if request.options is not None else OPTIONS[request.operation],
    }
    if request.subresource:
        wire |= {"subResource": request.subresource, "requestSubResource": request.subresource}
    return json.dumps({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": wire}).encode()
