"""These kinds have a controller write, delete or run for the agent, with the controller's rights.

Rule: nothing of these API groups is made, changed or deleted.
Fields: the API group, with every resource and subresource.
Allowed: other groups. A custom resource of another controller is not known here; add a rule for its group.
Source: the documentation of each project; the groups are listed once, with what their controllers do
"""

from collections.abc import Iterator, Mapping

from webhook.admission.request import Request
from webhook.checks.laundering.writing import CHANGED, request_check, what
from webhook.checks.scope import EVERY_RESOURCE, Scope

ID = "gitops"

GROUPS: Mapping[str, str] = {
    # Argo CD applies what is in git or deletes it with the Application; Workflows run Pods as any ServiceAccount.
    "argoproj.io": "Argo",
    # Flux applies what a source holds; the operator installs Flux itself.
    "fluxcd.controlplane.io": "Flux",
    "helm.toolkit.fluxcd.io": "Flux",
    "image.toolkit.fluxcd.io": "Flux",
    "kustomize.toolkit.fluxcd.io": "Flux",
    "notification.toolkit.fluxcd.io": "Flux",
    "source.toolkit.fluxcd.io": "Flux",
    "infra.contrib.fluxcd.io": "Flux",
    # Other appliers of what is in git or in the object itself.
    "configsync.gke.io": "Config Sync",
    "configmanagement.gke.io": "Config Sync",
    "fleet.cattle.io": "Fleet",
    "helm.cattle.io": "the Helm controller",
    "core.oam.dev": "KubeVela",
    "work.open-cluster-management.io": "Open Cluster Management",
    "apps.open-cluster-management.io": "Open Cluster Management",
    "addons.cluster.x-k8s.io": "Cluster API",
    # Installers of operators, with the permissions that the operator's package asks for.
    "operators.coreos.com": "Operator Lifecycle Manager",
    "olm.operatorframework.io": "Operator Lifecycle Manager",
    # Providers that write any object of this or another cluster, or a cloud.
    "apiextensions.crossplane.io": "Crossplane",
    "pkg.crossplane.io": "Crossplane",
    "kubernetes.crossplane.io": "Crossplane",
    "kubernetes.m.crossplane.io": "Crossplane",
    "helm.crossplane.io": "Crossplane",
    "helm.m.crossplane.io": "Crossplane",
    # Pipelines run Pods as the ServiceAccount that the object names.
    "tekton.dev": "Tekton",
    "triggers.tekton.dev": "Tekton",
    # Policy engines that generate, mutate and clean up objects of everybody.
    "kyverno.io": "Kyverno",
    "policies.kyverno.io": "Kyverno",
    "mutations.gatekeeper.sh": "Gatekeeper",
    "templates.gatekeeper.sh": "Gatekeeper",
    "constraints.gatekeeper.sh": "Gatekeeper",
    "config.gatekeeper.sh": "Gatekeeper",
    "expansion.gatekeeper.sh": "Gatekeeper",
}
"""API group -> whose controller acts on it."""


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    controller = GROUPS[request.resource.group]
    yield f"{what(request)} has {controller} act with its own rights; write the objects that you mean yourself"


CHECK = request_check(ID, judge, Scope.of(CHANGED, GROUPS, [EVERY_RESOURCE]))
