"""What a ServiceAccount may mount, pull with and be in a cloud is written on it: its Pods change with it.

Rule: no ServiceAccount that exists gets other secrets or another identity, or loses its limit to mountable secrets.
Fields: `secrets`, `imagePullSecrets`, `automountServiceAccountToken`, and the annotations
    `kubernetes.io/enforce-mountable-secrets`, `eks.amazonaws.com/role-arn`, `iam.gke.io/gcp-service-account`,
    `azure.workload.identity/*` of an UPDATE; DELETE of one with `kubernetes.io/enforce-mountable-secrets`.
Allowed: a new ServiceAccount, as a Pod runs as it only if the policy lists it (check pod-service-account); labels and
    other annotations; these fields as they were.
Source: https://kubernetes.io/docs/concepts/security/service-accounts/#enforce-mountable-secrets,
    k8s.io/kubernetes/plugin/pkg/admission/serviceaccount/admission.go (limitSecretReferences)
"""

from collections.abc import Iterator

from webhook.admission.request import Operation, Request
from webhook.checks.laundering.writing import changed_fields, request_check, value_at, what
from webhook.checks.scope import Scope

ID = "service-account-changes"

MOUNTABLE = "kubernetes.io/enforce-mountable-secrets"

_FIELDS = ("automountServiceAccountToken", "imagePullSecrets", "secrets")
_IDENTITIES = (MOUNTABLE, "eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/")


def judge(request: Request) -> Iterator[str]:
    """Yield one message with everything that the write changes."""
    if request.operation is Operation.DELETE:
        if value_at(request.old_object, "metadata", "annotations", MOUNTABLE) is not None:
            yield f"{what(request)} removes its limit to mountable secrets with it; leave it as it is"
        return
    names = changed_fields(request, "metadata", "annotations")
    changed = [f"metadata.annotations.{name}" for name in names if name.startswith(_IDENTITIES)]
    changed += [name for name in _FIELDS if value_at(request.old_object, name) != value_at(request.object, name)]
    if changed:
        yield f"{what(request)} changes {', '.join(changed)}, for all its Pods; make a ServiceAccount of your own"


CHECK = request_check(ID, judge, Scope.of(["UPDATE", "DELETE"], [""], ["serviceaccounts"]))
