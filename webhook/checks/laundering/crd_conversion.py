"""A conversion webhook rewrites every object of its kind whenever anybody reads it or writes it.

Rule: no CustomResourceDefinition gets a conversion webhook, or another one.
Fields: `spec.conversion`.
Allowed: `strategy: None`; the conversion as it was.
Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-conversion
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import WRITTEN, request_check, value_at, what
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

ID = "crd-conversion"


def judge(request: Request) -> Iterator[str]:
    """Yield one message for a conversion that is no longer the old one."""
    conversion = value_at(request.object, "spec", "conversion")
    strategy = value_at(conversion, "strategy")
    if conversion is None or strategy == "None" or conversion == value_at(request.old_object, "spec", "conversion"):
        return
    found = f"sets spec.conversion.strategy={quoted(strategy)}"
    yield f"{what(request)} {found}, so that somebody rewrites all its objects; set it to None"


CHECK = request_check(ID, judge, Scope.of(WRITTEN, ["apiextensions.k8s.io"], ["customresourcedefinitions"]))
