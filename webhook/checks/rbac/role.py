"""The rules that a write adds to a Role or ClusterRole, read once and matched as RBAC matches them.

Judges nothing. A rule that the old object already gave, or gave more of, adds nothing: an old role can be labelled and
narrowed, whatever is in it. A rule that reaches further in any part (a verb more, a resource name less) counts whole.

Source: k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go (matching), k8s.io/api/rbac/v1/types.go (fields)
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from typing import NamedTuple

from webhook.admission.request import Object, Request
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.pod import Shape, shape_problem
from webhook.checks.scope import ANY, Scope
from webhook.checks.wording import quoted

GROUP = "rbac.authorization.k8s.io"

SCOPES = (Scope.of(("CREATE", "UPDATE"), [GROUP], ["clusterroles", "roles"]),)
"""What must be delivered to see every rule that a request can write."""

READS = frozenset({"get", "list", "watch"})
"""The verbs that change nothing."""

_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
_SHAPE: Shape = {
    "rules": [{field: [] for field in _FIELDS}],
    "aggregationRule": {"clusterRoleSelectors": [{}]},
}

# A rule is recognised by its first verbs; a hundred of them in a message help nobody.
_LISTED = 4
# Rules are compared pair by pair: two roles of 100 rules, more than Kubernetes' own have. Beyond that only a rule that
# stands unchanged counts as old, because an agent could make us compare for minutes.
_PAIRS_LIMIT = 10_000


class Rule(NamedTuple):
    """One rule. `path` is its field path, such as `rules[2]`."""

    path: str
    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...]
    urls: tuple[str, ...]

    def gives(self, group: str, resources: Collection[str] = (), *, but: Collection[str] = ()) -> Iterator[str]:
        """Yield where the rule permits anything on these resources of a group, by other verbs than `but`.

        resources: paths such as `pods/exec`; none = every resource of the group.
        """
        return self.gives_where(group, lambda entry: not resources or covers_any(entry, resources), but=but)

    def gives_where(self, group: str, is_meant: Callable[[str], bool], *, but: Collection[str] = ()) -> Iterator[str]:
        """Yield the same for the entries of `resources` that are meant."""
        verbs = [verb for verb in self.verbs if verb not in but]
        if not verbs or not (group in self.groups or ANY in self.groups):
            return
        for index, entry in enumerate(self.resources):
            if is_meant(entry):
                yield f"{self.path} gives {listed(verbs)} on resources[{index}]={quoted(entry)}"

    def is_within(self, other: "Rule") -> bool:
        """Say whether the other rule gives all of this one; `*` covers everything, else entries are compared."""
        lists = ((self.verbs, other.verbs), (self.groups, other.groups), (self.resources, other.resources))
        if not all(ANY in more or set(less) <= set(more) for less, more in (*lists, (self.urls, other.urls))):
            return False
        return not other.names or (bool(self.names) and set(self.names) <= set(other.names))


@dataclass(frozen=True, slots=True)
class Role:
    """What a write adds. `problem` is one line that names the field, where the object is no role."""

    added: tuple[Rule, ...] = ()
    problem: str = ""


def role_check(check_id: str, judge: Callable[[Rule], Iterable[str]]) -> Check:
    """Make a check of each rule that a write adds to a Role or ClusterRole."""

    @wraps(judge)
    def of_role(inspection: Inspection) -> Iterable[str]:
        role = inspection.once(role_of)
        return (role.problem,) if role.problem else (found for rule in role.added for found in judge(rule))

    return Check(check_id, of_role, SCOPES)


def covers_any(entry: str, resources: Iterable[str]) -> bool:
    """Say whether an entry of `resources` covers one of these: it is the same, `*`, or `*/exec` for an exec."""
    every, _, subresource = entry.partition("/")
    if entry == ANY:
        return True
    if every == ANY and subresource:
        return any(resource.partition("/")[2] == subresource for resource in resources)
    return entry in resources


def listed(values: Collection[str]) -> str:
    """Write the first few values, quoted."""
    shown = ", ".join(quoted(value) for value in list(values)[:_LISTED])
    return shown if len(values) <= _LISTED else f"{shown}, ..."


def role_of(request: Request) -> Role:
    """Return what the request adds to a role; nothing where it writes none."""
    if not any(scope.covers(request) for scope in SCOPES):
        return Role()
    if request.object is None:
        return Role(problem=f"the {request.kind.kind} is missing; send one")
    if problem := role_problem(request.object):
        return Role(problem=problem)
    old = request.old_object or {}
    before = [] if role_problem(old) else list(_rules(old))
    return Role(tuple(_added(list(_rules(request.object)), before)))


def role_problem(role: Object) -> str:
    """Say which field is not of the type that a role has; empty where all are, or are absent."""
    if problem := shape_problem(role, _SHAPE, ""):
        return problem
    for index, rule in enumerate(role.get("rules") or ()):
        for field in _FIELDS:
            for at, value in enumerate(rule.get(field) or ()):
                if not isinstance(value, str):
                    return f"rules[{index}].{field}[{at}] is {quoted(value)}; make it a string"
    return ""


def _rules(role: Object) -> Iterator[Rule]:
    for index, rule in enumerate(role.get("rules") or ()):
        yield Rule(f"rules[{index}]", *(tuple(rule.get(field) or ()) for field in _FIELDS))


def _added(rules: list[Rule], before: list[Rule]) -> Iterator[Rule]:
    unchanged = {rule[1:] for rule in before}
    compared = before if len(rules) * len(before) <= _PAIRS_LIMIT else []
    for rule in rules:
        if rule[1:] not in unchanged and not any(rule.is_within(given) for given in compared):
            yield rule
