"""A Pod is its ServiceAccount: an agent that chooses the account of a Pod takes the account's rights.

Rule: Pods run as the agent's own ServiceAccount or as a listed one, or get no token at all.
Fields: `spec.serviceAccountName` (unset: `serviceAccount`, then `default`), `spec.automountServiceAccountToken`,
    `spec.volumes[*]` (`projected.sources[*]` with `serviceAccountToken` or `podCertificate`, and `csi`, whose drivers
    may ask for tokens of the account), in Pods and in every template.
Allowed: the ServiceAccount that asks, in its own namespace; those in `serviceAccounts` of the policy; any account with
    `automountServiceAccountToken: false` and without such a volume; a template that stays as it is, or only restarts;
    resizing and debugging a Pod, which the check ephemeral-containers judges.
    What a cloud gives to an account by its name is not seen.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation,
    k8s.io/kubernetes/plugin/pkg/admission/serviceaccount/admission.go (defaults)
"""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.admission.request import Object, Operation
from webhook.checks import pod
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.laundering.accounts import is_allowed
from webhook.checks.laundering.writing import fields_at
from webhook.checks.pod import Pod
from webhook.checks.wording import quoted

ID = "pod-service-account"

RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""What `kubectl rollout restart` writes into a template."""

_WITH_IDENTITY = ("serviceAccountToken", "podCertificate")


def judge(inspection: Inspection) -> Iterator[str]:
    """Yield one message if the Pod would take an identity that is not the agent's to take."""
    request, seen = inspection.request, inspection.pod
    if seen is None or request.subresource:
        return
    if seen.problem:
        yield seen.problem
        return
    name = seen.spec.get("serviceAccountName") or seen.spec.get("serviceAccount") or "default"
    if is_allowed(inspection, request.namespace, str(name)):
        return
    remedy = _without_identity(seen)
    if remedy and not _is_restarted(inspection, seen):
        account = f"{seen.at('spec.serviceAccountName')}={quoted(name)}"
        listed = f"have {quoted(f'{request.namespace}/{name}')} listed in serviceAccounts of the policy"
        yield f"the Pod takes the identity of another ServiceAccount, {account}; {remedy}, or {listed}"


def _without_identity(seen: Pod) -> str:
    """Say what to change so that the Pod gets no identity; empty where it gets none."""
    if seen.spec.get("automountServiceAccountToken") is not False:
        return f"set {seen.at('spec.automountServiceAccountToken')}=false"
    for index, volume in enumerate(seen.spec.get("volumes") or ()):
        path = seen.at(f"spec.volumes[{index}]")
        if volume.get("csi") is not None:
            return f"remove {path}.csi"
        for at, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            for kind in _WITH_IDENTITY:
                if source.get(kind) is not None:
                    return f"remove {path}.projected.sources[{at}].{kind}"
    return ""


def _is_restarted(inspection: Inspection, seen: Pod) -> bool:
    """Say whether a template is the old one, beside the mark of a restart."""
    request = inspection.request
    if request.operation is not Operation.UPDATE or not seen.path:
        return False
    path = seen.path.split(".")
    return _unmarked(request.object, path) == _unmarked(request.old_object, path)


def _unmarked(obj: Object | None, path: list[str]) -> tuple[Mapping[str, Any], ...]:
    template = fields_at(obj, *path)
    metadata = fields_at(template, "metadata")
    annotations = {key: value for key, value in fields_at(metadata, "annotations").items() if key != RESTARTED}
    return fields_at(template, "spec"), {**metadata, "annotations": annotations, "creationTimestamp": None}


CHECK = Check(ID, judge, pod.SCOPES)
