"""Rules about reads: what an agent may not get, list, watch or whom it may not impersonate.

The authorizer asks them about each such request, and about writes whose answer is a read: a patch is answered with the
whole object, a deletion of a collection with all of it. Admission asks them about deletions that are answered with the
object, for there it sees the options. A read has no object, and what is not asked in one namespace is asked in all.

Source: k8s.io/api/authorization/v1 ResourceAttributes; verbs of impersonation: KEP-5284 constrained impersonation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from webhook.admission.request import Kind, Operation, Request, Resource, User
from webhook.admission.verdict import Action, Finding
from webhook.checks.deletion import told_by_deletion
from webhook.checks.inspection import Inspection
from webhook.checks.wording import one_line
from webhook.policy.compiled import CompiledPolicy, CompiledRule, PolicySet
from webhook.policy.expression import Variables
from webhook.policy.fields import Mode
from webhook.policy.judgement import Applies, Asked, Outcome, applies, own_message
from webhook.policy.problem import Problem

_OPERATIONS = {
    "get": (Operation.GET,),
    "list": (Operation.LIST,),
    "watch": (Operation.WATCH,),
    "patch": (Operation.GET,),
    "deletecollection": (Operation.GET, Operation.LIST),
}
"""By the verb of a request: the reads that its answer is."""

_ANSWERS = {
    "patch": "a patch is answered with the whole object",
    "deletecollection": "it is answered with every object",
}
_OBJECTS = frozenset({"object", "oldObject", "namespaceObject"})
_BROKEN = "this policy is broken, so every read is denied; ask its owner to mend it"


def read_findings(user: User, asked: Mapping[str, Any], policies: PolicySet) -> Iterator[Finding]:
    """Yield what each rule about reads has to say against a request; what is ignored is said as action Allow.

    `asked` is the `resourceAttributes` of a SubjectAccessReview.
    """
    verb = _text(asked, "verb")
    for request in reads_of(user, asked):
        for broken in policies.broken:
            if broken.mode is Mode.ENFORCE and broken.names(user):
                yield Finding(broken.name, "policy", _BROKEN, Action.DENY)
        for policy in policies.policies:
            if policy.reads and policy.mode is Mode.ENFORCE and policy.names(user):
                yield from _broken_rules(policy, request, Variables.of(request), _ANSWERS.get(verb, ""))


def reads_of(user: User, asked: Mapping[str, Any]) -> tuple[Request, ...]:
    """Return the reads that a request is or is answered with, by its `resourceAttributes`; none for other writes."""
    verb = _text(asked, "verb")
    operations = (Operation.IMPERSONATE,) if verb.startswith("impersonate") else _OPERATIONS.get(verb, ())
    return tuple(_request(user, asked, operation) for operation in operations)


def objects_of_reads(rule: CompiledRule, *, path: str) -> Iterator[Problem]:
    """Yield what is wrong with expressions of a rule about reads: they can see no object."""
    named = [("condition", rule.condition), ("message", rule.message)]
    named += [(f"match.matchConditions[{i}].expression", one) for i, one in enumerate(rule.match_conditions)]
    for field, expression in named:
        for variable in sorted(_OBJECTS & expression.reads) if expression is not None else ():
            yield Problem(f"{path}.{field}", f"{variable} in a rule about reads", "request and params", rule.name)


def deletion_findings(asked: Asked) -> Iterator[Finding]:
    """Yield a denial where the answer to a DELETE holds what a rule of the policy keeps from being read."""
    request = asked.request
    if not asked.policy.reads or request.operation is not Operation.DELETE:
        return
    for why in told_by_deletion(request):
        as_read = replace(request, operation=Operation.GET)
        yield from _broken_rules(asked.policy, as_read, asked.variables, why)


def _broken_rules(policy: CompiledPolicy, request: Request, variables: Variables, why: str) -> Iterator[Finding]:
    asked = Asked(policy, Inspection(request), variables.with_params(policy.params))
    for rule in policy.reads:
        outcome = applies(asked, rule)
        if isinstance(outcome, Outcome):
            yield outcome.finding
        if isinstance(outcome, Applies):
            own = own_message(asked, rule) or f"{_told(request)} is what this rule is about"
            yield Finding(policy.name, rule.name, one_line(f"{own}; {why}" if why else own), Action.DENY)


def _told(request: Request) -> str:
    if request.name:
        return f"{request.operation.value} {request.target}"
    place = f"of namespace {request.namespace}" if request.namespace else "of all namespaces"
    group = f".{request.resource.group}" if request.resource.group else ""
    return f"{request.operation.value} {request.resource_path}{group} {place}"


def _request(user: User, asked: Mapping[str, Any], operation: Operation) -> Request:
    group, version, resource = (_text(asked, key) for key in ("group", "version", "resource"))
    subresource, namespace, name = (_text(asked, key) for key in ("subresource", "namespace", "name"))
    triple = {"group": group, "version": version, "resource": resource}
    wire = {
        "operation": operation.value,
        "resource": triple,
        "requestResource": triple,
        "subResource": subresource,
        "namespace": namespace,
        "name": name,
        "userInfo": {
            "username": user.username,
            "uid": user.uid,
            "groups": list(user.groups),
            "extra": {key: list(values) for key, values in user.extra.items()},
        },
    }
    return Request(
        uid="",
        operation=operation,
        kind=Kind(group, version, ""),
        resource=Resource(group, version, resource),
        user=user,
        subresource=subresource,
        namespace=namespace,
        name=name,
        wire=wire,
    )


def _text(asked: Mapping[str, Any], key: str) -> str:
    value = asked.get(key)
    return value if isinstance(value, str) else ""
