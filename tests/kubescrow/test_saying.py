"""What the API server refused, in one line that says what is missing."""

from __future__ import annotations

import pytest

from kubescrow.saying import said
from webhook.cluster.errors import ClusterError, Unavailable, error_of

DENIED = 'admission webhook "decisions.approval.kubescrow.dev" denied the request: you may not decide on your own'
RBAC = (
    'approvals.kubescrow.dev is forbidden: User "x" cannot list resource "approvals" in API group "kubescrow.dev" '
    "at the cluster scope"
)
NODES = 'nodes is forbidden: User "x" cannot get resource "nodes" in API group "" at the cluster scope'


@pytest.mark.parametrize(
    ("err", "line"),
    [
        (error_of("PATCH /x", 403, {"message": DENIED}), "you may not decide on your own"),
        (error_of("GET /x", 403, {"message": RBAC}), "you may not list approvals.kubescrow.dev: ask for ClusterRole r"),
        (error_of("GET /x", 403, {"message": NODES}), "you may not get nodes: ask for ClusterRole r"),
        (error_of("GET /x", 403, {"message": "quota"}), "quota"),
        (
            error_of("GET /x", 403, {"message": NODES.replace('"x"', '"system:anonymous"')}),
            "the cluster does not know who you are: the kubeconfig gave no credentials; log in again",
        ),
        (
            error_of("GET /x", 401, {"message": "Unauthorized"}),
            "the cluster does not accept these credentials; log in again, or see --kubeconfig and --context",
        ),
        (error_of("GET /x", 404, {"message": 'approvals "x" not found'}), 'approvals "x" not found'),
        (
            error_of("GET /x", 404, {"message": "the server could not find the requested resource"}),
            "Kubescrow is not installed on this cluster",
        ),
        (error_of("PATCH /x", 409, {"message": "Operation cannot"}), "it changed meanwhile; look at it again"),
        (
            Unavailable("GET /x: no answer in time"),
            "the cluster does not answer (GET /x: no answer in time); see --kubeconfig and --context",
        ),
        (error_of("GET /x", 422, {"message": "a\x1b[2J\u202eb"}), "a\\u{1b}[2J\\u{202e}b"),
        (ClusterError("no access to a cluster"), "no access to a cluster"),
    ],
)
def test_each_refusal_has_one_line(err: ClusterError, line: str) -> None:
    """The words of a webhook are for the person; those of RBAC become what to ask for."""
    assert said(err, role="r") == line
