"""Admission configuration sees and changes every write of everybody, persons and other policies included.

Rule: nothing of admission is made, changed or deleted: webhook configurations, ValidatingAdmissionPolicies,
    MutatingAdmissionPolicies and their bindings.
Fields: CREATE, UPDATE, DELETE of every resource of admissionregistration.k8s.io.
Allowed: nothing. The API server asks no webhook about these, so only the authorizer stops them; they are judged where
    somebody asks, as `kubescrow policy check` does.
Source: k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules/rules.go (IsExemptAdmissionConfigurationResource)
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import CHANGED, request_check, what
from webhook.checks.scope import EVERY_RESOURCE, Scope

ID = "admission-configuration"


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    yield f"{what(request)} changes what happens to everybody's writes; leave it to whoever runs the cluster"


CHECK = request_check(ID, judge, Scope.of(CHANGED, ["admissionregistration.k8s.io"], [EVERY_RESOURCE]))
