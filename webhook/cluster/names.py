"""The names under which we are found in a cluster, and the API paths that we use. Nothing else.

Roles, charts and documents repeat these names: change none without them.
"""

GROUP = "kubescrow.dev"
VERSION = "v1alpha1"

DEFAULT_NAMESPACE = "kubescrow"
SERVICE_ACCOUNT = "kubescrow-webhook"
SERVICE = "kubescrow-webhook"
LEASE = "kubescrow-webhook"
KEYS_SECRET = "kubescrow-keys"  # noqa: S105 - the name of a Secret, not a secret
TLS_SECRET = "kubescrow-tls"  # noqa: S105 - the name of a Secret, not a secret

POLICIES_CONFIGURATION = "kubescrow-policies"
GUARDS_CONFIGURATION = "kubescrow-guards"
FLOW = "kubescrow-agents"

LABELS = {"app.kubernetes.io/managed-by": "kubescrow"}
"""On every object that the server writes."""

POLICIES_CRD = f"agentpolicies.{GROUP}"

POLICIES = f"/apis/{GROUP}/{VERSION}/agentpolicies"
APPROVALS = f"/apis/{GROUP}/{VERSION}/approvals"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
VALIDATING = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
MUTATING = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
FLOW_SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
PRIORITY_LEVELS = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations"


def secrets(namespace: str) -> str:
    """Return the path of a namespace's Secrets."""
    return f"/api/v1/namespaces/{namespace}/secrets"


def leases(namespace: str) -> str:
    """Return the path of a namespace's Leases."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def namespace(name: str) -> str:
    """Return the path of a Namespace."""
    return f"/api/v1/namespaces/{name}"
