"""The files that the components read: kubeconfigs and the authorization configuration. Pure; writes nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.controlplane.certificates import Pair


def kubeconfig(
    url: str, *, ca_pem: str | None = None, pair: Pair | None = None, token: str | None = None
) -> dict[str, Any]:
    """Return a kubeconfig that carries its certificates inside, so that the file can be copied anywhere."""
    cluster = {"server": url}
    if ca_pem is not None:
        cluster["certificate-authority-data"] = _base64(ca_pem)
    user = {}
    if pair is not None:
        user["client-certificate-data"] = _base64(pair.certificate_pem)
        user["client-key-data"] = _base64(pair.key_pem)
    if token is not None:
        user["token"] = token
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }


def authorization(webhook: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an AuthorizationConfiguration: `webhook` first, if given, then Node and RBAC."""
    first = [] if webhook is None else [webhook]
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthorizationConfiguration",
        "authorizers": [*first, {"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}],
    }


def webhook_authorizer(kubeconfig_file: Path, *, match_conditions: Sequence[str]) -> dict[str, Any]:
    """Return a Webhook authorizer that fails closed and caches nothing, so that each request asks it."""
    return {
        "type": "Webhook",
        "name": "kubescrow",
        "webhook": {
            "authorizedTTL": "1s",
            "cacheAuthorizedRequests": False,
            "unauthorizedTTL": "1s",
            "cacheUnauthorizedRequests": False,
            "timeout": "3s",
            "subjectAccessReviewVersion": "v1",
            "matchConditionSubjectAccessReviewVersion": "v1",
            "failurePolicy": "Deny",
            "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(kubeconfig_file)},
            "matchConditions": [{"expression": expression} for expression in match_conditions],
        },
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
