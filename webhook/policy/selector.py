"""Whether labels are what a selector asks for, and where the labels of a request are.

Labels that are not known could be any: what cannot be read is selected, so that not knowing never lets through.

* `objectSelector`: the old object or the new one; either is enough, so that taking a label off is seen, and putting
  one on. An eviction, scale, binding, token request or exec carries another object than the one that has the labels:
  its labels are not known.
* `namespaceSelector`: the Namespace that the object lies in, as it is now. A request on a Namespace itself: the old or
  the new one. An object outside of any Namespace is selected, as ValidatingAdmissionPolicy does.

Source: k8s.io/apimachinery/pkg/labels/selector.go; k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/{object,
namespace}/matcher.go
"""

from collections.abc import Mapping
from typing import Any

from webhook.admission.request import Object, Request
from webhook.policy.fields import SelectorOperator
from webhook.policy.spec import LabelRequirement, Selector

_WHOLE = frozenset({"", "status", "ephemeralcontainers", "resize", "finalize", "approval"})
"""Subresources whose review carries the object itself, and so its labels."""


def object_selected(selector: Selector, request: Request) -> bool:
    """Say whether the old or the new object has the labels, or could have them."""
    if selector.is_empty or request.subresource not in _WHOLE:
        return True
    given = [obj for obj in (request.object, request.old_object) if obj is not None]
    return not given or any(_selected(selector, obj) for obj in given)


def namespace_selected(selector: Selector, request: Request, namespace: Object | None) -> bool:
    """Say whether the Namespace has the labels, or could have them. `namespace` is None where it is not known."""
    if is_namespace(request):
        return object_selected(selector, request)
    if selector.is_empty or not request.namespace or namespace is None:
        return True
    return _selected(selector, namespace)


def is_namespace(request: Request) -> bool:
    """Say whether a Namespace object itself is touched; for rules it lies in the namespace of its own name."""
    return request.resource.resource == "namespaces" and not request.resource.group


def labels_of(obj: Object) -> Mapping[str, str] | None:
    """Return the labels of an object; None if they cannot be read."""
    metadata = obj.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else _UNKNOWN
    if labels is None:
        return {}
    is_sound = isinstance(labels, Mapping) and all(isinstance(value, str) for value in labels.values())
    return labels if is_sound else None


_UNKNOWN: Any = object()


def _selected(selector: Selector, obj: Object) -> bool:
    labels = labels_of(obj)
    return labels is None or selects(selector, labels)


def selects(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Say whether labels are what the selector asks for; NotIn and DoesNotExist also hold without the label."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(requirement, labels) for requirement in selector.match_expressions
    )


def _holds(requirement: LabelRequirement, labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case SelectorOperator.IN:
            return value is not None and value in requirement.values
        case SelectorOperator.NOT_IN:
            return value is None or value not in requirement.values
        case SelectorOperator.EXISTS:
            return value is not None
        case SelectorOperator.DOES_NOT_EXIST:
            return value is None
