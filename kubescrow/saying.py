"""What the API server refused, in one line for the person who asked, with what is missing."""

import re

from webhook.approval.visible import visible
from webhook.cluster.errors import ClusterError, Conflict, Forbidden, NotFound, Unavailable

BY_WEBHOOK = re.compile(r'admission webhook "[^"]*" denied the request: ')
"""Before the words of a webhook. Source: k8s.io/apiserver/pkg/admission/plugin/webhook/errors."""

NO_RIGHT = re.compile(r'cannot (\S+) resource "([^"]+)"(?: in API group "([^"]*)")?')
"""In the words of RBAC. Source: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go."""

ANONYMOUS = 'User "system:anonymous" cannot'


def said(err: ClusterError, *, role: str) -> str:
    """Say why something was not done; `role` is the ClusterRole to ask for when rights are missing."""
    webhook = BY_WEBHOOK.match(err.words)
    if webhook:
        return visible(err.words[webhook.end() :])
    if isinstance(err, Forbidden):
        return _no_right(err, role)
    if isinstance(err, Conflict):
        return "it changed meanwhile; look at it again"
    if isinstance(err, NotFound):
        return visible(err.words) if "not found" in err.words else "Kubescrow is not installed on this cluster"
    if isinstance(err, Unavailable) and not err.status:
        return f"the cluster does not answer ({visible(str(err))}); see --kubeconfig and --context"
    return visible(err.words or str(err))


def _no_right(err: Forbidden, role: str) -> str:
    if err.status == 401:
        return "the cluster does not accept these credentials; log in again, or see --kubeconfig and --context"
    if ANONYMOUS in err.words:
        return "the cluster does not know who you are: the kubeconfig gave no credentials; log in again"
    lacking = NO_RIGHT.search(err.words)
    if not lacking:
        return visible(err.words or str(err))
    verb, resource, group = lacking.groups()
    what = f"{resource}.{group}" if group else resource
    return f"you may not {verb} {what}: ask for ClusterRole {role}"
