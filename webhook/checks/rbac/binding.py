"""What a write adds to a RoleBinding or ClusterRoleBinding: who gets which role by it, and did not have it before.

Judges nothing. A binding that is only labelled, or loses subjects, gives nothing. The rules of the role are not in the
request: a binding is judged by the name of its role and by its subjects.

Source: k8s.io/api/rbac/v1/types.go; k8s.io/kubernetes/pkg/apis/rbac/validation/validation.go (roleRef, subjects)
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, Object, Request
from webhook.checks.check import Check, Parameters
from webhook.checks.inspection import Inspection
from webhook.checks.pod import Shape, shape_problem
from webhook.checks.rbac.role import GROUP
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

SCOPES = (Scope.of(("CREATE", "UPDATE"), [GROUP], ["clusterrolebindings", "rolebindings"]),)
"""What must be delivered to see every binding that a request can write."""

_SHAPE: Shape = {"roleRef": {}, "subjects": [{}]}


class Bound(NamedTuple):
    """One subject. `path` is its field path; `namespace` is set for a ServiceAccount, by whichever kind it is named."""

    path: str
    kind: str
    name: str
    namespace: str

    @property
    def title(self) -> str:
        """Who it is, for messages: `subjects[0] ServiceAccount "agents/bot"`."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.path} {quoted(self.kind)[1:-1]} {quoted(name)}"


@dataclass(frozen=True, slots=True)
class Binding:
    """A role, and those who get it by this write; none of them = it gives nothing.

    `problem` is one line that names the field, where the object is no binding.
    """

    role_kind: str = ""
    role_name: str = ""
    added: tuple[Bound, ...] = ()
    problem: str = ""

    @property
    def title(self) -> str:
        """What is given to whom, for messages: `roleRef gives ClusterRole "edit" to subjects[0] User "jane"`."""
        first, *more = self.added
        others = f" and {len(more)} more" if more else ""
        return f"roleRef gives {quoted(self.role_kind)[1:-1]} {quoted(self.role_name)} to {first.title}{others}"


def binding_check(
    check_id: str, judge: Callable[[Binding, Any], Iterable[str]], parameters: type[Parameters] | None = None
) -> Check:
    """Make a check of a binding by which somebody gets a role; `judge` has it with the check's parameters."""

    @wraps(judge)
    def of_binding(inspection: Inspection) -> Iterable[str]:
        binding = inspection.once(binding_of)
        if binding.problem:
            return (binding.problem,)
        return judge(binding, inspection.parameters) if binding.added else ()

    return Check(check_id, of_binding, SCOPES, parameters)


def binding_of(request: Request) -> Binding:
    """Return what the request gives by a binding; nothing where it writes none."""
    if not any(scope.covers(request) for scope in SCOPES):
        return Binding()
    if request.object is None:
        return Binding(problem=f"the {request.kind.kind} is missing; send one")
    if problem := _problem(request.object):
        return Binding(problem=problem)
    new, old = request.object, request.old_object or {}
    is_same_role = not _problem(old) and _role(old) == _role(new)
    had = {subject[1:] for subject in _subjects(old)} if is_same_role else set()
    added = tuple(subject for subject in _subjects(new) if subject[1:] not in had)
    return Binding(*_role(new), added=added)


def _problem(binding: Object) -> str:
    if problem := shape_problem(binding, _SHAPE, ""):
        return problem
    for path, part in _parts(binding):
        for field in ("kind", "name"):
            if not isinstance(part.get(field), str):
                return f"{path}.{field} is {quoted(part.get(field))}; make it a string"
        if not isinstance(part.get("namespace"), str | None):
            return f"{path}.namespace is {quoted(part['namespace'])}; make it a string"
    return ""


def _parts(binding: Object) -> Iterator[tuple[str, Object]]:
    yield "roleRef", binding.get("roleRef") or {}
    for index, subject in enumerate(binding.get("subjects") or ()):
        yield f"subjects[{index}]", subject


def _role(binding: Object) -> tuple[str, str]:
    return binding["roleRef"]["kind"], binding["roleRef"]["name"]


def _subjects(binding: Object) -> Iterator[Bound]:
    for index, subject in enumerate(binding.get("subjects") or ()):
        kind, name, namespace = subject["kind"], subject["name"], ""
        if kind == "ServiceAccount":
            namespace = subject.get("namespace") or ""
        elif kind == "User" and name.startswith(SERVICE_ACCOUNT_PREFIX) and name.count(":") == 3:
            namespace, name = name.removeprefix(SERVICE_ACCOUNT_PREFIX).split(":")
            kind = "ServiceAccount"
        yield Bound(f"subjects[{index}]", kind, name, namespace)
