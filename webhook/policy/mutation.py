"""What rules with action Mutate write into an object, and whether it stood until the end.

The mutating side writes until nothing is left to write (`mutate`), the validating side looks whether anything is
(`unheld`): both ask the same question, so what somebody else changed in between is denied, whatever changed it. A value
that never settles, because two rules set one path or an expression is changed by its own answer, is denied too.

The same request must get the same values each time, in both calls and at each retry of a hold: expressions of these
rules see neither `request.uid` nor `request.userInfo.extra`, and of metadata not what the API server writes there.
Objects of ours are never mutated: an agent's write of them is denied.

Source: k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go (reinvocation)
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from webhook.admission.request import Object, Request
from webhook.admission.verdict import Action, Finding
from webhook.checks.inspection import Inspection
from webhook.checks.wording import one_line, quoted
from webhook.policy.assignments import Assignment, Scalar
from webhook.policy.compiled import CompiledPolicy, CompiledRule, PolicySet
from webhook.policy.draft import Draft
from webhook.policy.expression import Expression, ExpressionError, ExpressionLimit
from webhook.policy.fields import Mode
from webhook.policy.judgement import Asked, Outcome, applies, own_message, unjudged
from webhook.policy.object_path import Obstacle, Place, places, shown
from webhook.policy.observed import observed
from webhook.policy.protection import Protected, is_own
from webhook.policy.variables import Budget, Variables

# One pass writes what the object as it came asks for; each further one what depends on values just written.
PASSES_LIMIT = 4

# A Pod has dozens of containers at most; a patch of more places than this is an attack on us.
PLACES_LIMIT = 1000

# As long as the longest source of an expression.
VALUE_LIMIT = 10_000

_EXACT_LIMIT = 2**53
_NOT_HELD = "another admission webhook changed it, or the value is not written as the API server stores it"
_UNSETTLED = "it does not settle: another rule sets the same path, or the expression is changed by its own answer"
_VOLATILE = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is to be written. `findings` deny if one of them does, and are only records otherwise."""

    request: Request
    """As it is when everything is written."""
    patch: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[Finding, ...] = ()
    written: tuple[str, ...] = ()
    """`policy/rule path` of each value that is written."""


@dataclass(frozen=True, slots=True)
class _Write:
    """One value that an object does not have yet."""

    policy: CompiledPolicy
    rule: CompiledRule
    place: Place
    value: Scalar

    def told(self, request: Request) -> str:
        """Say what is there and what must be; nothing of a Secret's values."""
        path = shown(self.place.pointer)
        if (request.resource.group, request.resource.resource) == ("", "secrets"):
            return f"{path} has another value than must be set"
        found = "missing" if self.place.missing else quoted(self.place.found)
        return f"{path} is {found} and must be {quoted(self.value)}"


def mutate(request: Request, policies: PolicySet, *, protected: Protected, namespace: Object | None = None) -> Mutation:
    """Write what the Mutate rules of all policies that name the user set."""
    named = _naming(request, policies.policies, protected)
    enforcing = [policy for policy in named if policy.mode is Mode.ENFORCE]
    current, patch, written, budget = request, [], [], Budget()
    for _ in range(PASSES_LIMIT):
        draft = Draft(current.object or {})
        findings: list[Finding] = []
        for step in _steps(current, enforcing, namespace, budget):
            if isinstance(step, Finding):
                findings.append(step)
            else:
                draft.put(step.place.pointer, step.value)
                written.append(f"{step.policy.name}/{step.rule.name} {shown(step.place.pointer)}")
        if not draft.patch or any(finding.action is Action.DENY for finding in findings):
            break
        patch.extend(draft.patch)
        current = replace(current, object=draft.object, wire={**current.wire, "object": draft.object})
    else:
        findings = [*_findings(_steps(current, enforcing, namespace, budget), current, _UNSETTLED)]
    observing = [policy for policy in named if policy.mode is Mode.OBSERVE]
    findings.extend(_would_write(_steps(current, observing, namespace, Budget()), current))
    return Mutation(current, tuple(patch), tuple(findings), tuple(dict.fromkeys(written)))


def unheld(
    request: Request, policies: Iterable[CompiledPolicy], *, protected: Protected, namespace: Object | None = None
) -> Iterator[Finding]:
    """Yield a denial for each value that does not stand in the final object. `policies` name the user."""
    enforcing = [policy for policy in _mutating(request, policies, protected) if policy.mode is Mode.ENFORCE]
    yield from _findings(_steps(request, enforcing, namespace, Budget()), request, _NOT_HELD)


def _naming(request: Request, policies: Iterable[CompiledPolicy], protected: Protected) -> list[CompiledPolicy]:
    return _mutating(request, (policy for policy in policies if policy.names(request.user)), protected)


def _mutating(request: Request, policies: Iterable[CompiledPolicy], protected: Protected) -> list[CompiledPolicy]:
    mutating = [policy for policy in policies if policy.mutates(request.operation)]
    return mutating if mutating and not is_own(request, protected) else []


def _findings(steps: Iterable["_Write | Finding"], request: Request, why: str) -> Iterator[Finding]:
    for step in steps:
        if isinstance(step, Finding):
            yield step
        else:
            yield Finding(step.policy.name, step.rule.name, one_line(f"{step.told(request)}; {why}"), Action.DENY)


def _would_write(steps: Iterable["_Write | Finding"], request: Request) -> Iterator[Finding]:
    """Record what observing policies would have written, and what would have stopped them."""
    for step in steps:
        if isinstance(step, Finding):
            yield observed(step)
        else:
            message = one_line(f"observe: would set: {step.told(request)}")
            yield Finding(step.policy.name, step.rule.name, message, Action.ALLOW)


def _steps(
    request: Request, policies: Iterable[CompiledPolicy], namespace: Object | None, budget: Budget
) -> Iterator["_Write | Finding"]:
    """Yield what is left to write to the object as it is, in the order of policies, rules and paths."""
    listed = tuple(policies)
    if not listed:
        return
    inspection, place = Inspection(request), 0
    variables = Variables.of(_stable(request), namespace=_without_volatile(namespace), budget=budget)
    for policy in listed:
        asked = Asked(policy, inspection, variables.with_params(policy.params), namespace)
        for rule in policy.mutations:
            for step in _steps_of(asked, rule):
                place += 1
                if place > PLACES_LIMIT:
                    yield _denial(asked, rule, f"it sets more than {PLACES_LIMIT} places of one object")
                    return
                yield step


def _steps_of(asked: Asked, rule: CompiledRule) -> Iterator["_Write | Finding"]:
    applied = applies(asked, rule)
    if isinstance(applied, Outcome):
        yield applied.finding
    if applied is None or isinstance(applied, Outcome):
        return
    for assignment in rule.assignments:
        try:
            value = _value(asked, assignment)
            for place in places(asked.request.object or {}, assignment.path):
                if not _is_same(place.found, value, missing=place.missing):
                    yield _Write(asked.policy, rule, place, value)
        except (ExpressionError, ExpressionLimit) as err:
            yield unjudged(asked.policy, rule, err, f"value of {assignment.path}").finding
        except Obstacle as obstacle:
            yield _denial(asked, rule, f"{assignment.path} cannot be set: {obstacle}")


def _value(asked: Asked, assignment: Assignment) -> Scalar:
    if not isinstance(assignment.value, Expression):
        return assignment.value
    value = asked.answer(assignment.value)
    if isinstance(value, str) and len(value) > VALUE_LIMIT:
        raise ExpressionLimit(f"its answer has more than {VALUE_LIMIT} characters")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ExpressionError("its answer is no finite number")
        return int(value) if value.is_integer() and abs(value) <= _EXACT_LIMIT else value
    return value


def _is_same(found: Any, wanted: Scalar, *, missing: int) -> bool:
    if (
        missing
        or isinstance(found, bool) != isinstance(wanted, bool)
        or isinstance(found, str) != isinstance(wanted, str)
    ):
        return False
    return bool(found == wanted)


def _denial(asked: Asked, rule: CompiledRule, message: str) -> Finding:
    own = own_message(asked, rule)
    return Finding(asked.policy.name, rule.name, one_line(f"{message}; {own}" if own else message), Action.DENY)


def _stable(request: Request) -> Request:
    """Return the request without what is another in each call of the same request, or with each token."""
    wire = {key: value for key, value in request.wire.items() if key != "uid"}
    user = wire.get("userInfo")
    if isinstance(user, Mapping):
        wire["userInfo"] = {key: value for key, value in user.items() if key != "extra"}
    return replace(
        request,
        wire=wire,
        object=_without_volatile(request.object),
        old_object=_without_volatile(request.old_object),
    )


def _without_volatile(obj: Object | None) -> Object | None:
    metadata = obj.get("metadata") if obj is not None else None
    if obj is None or not isinstance(metadata, Mapping):
        return obj
    return {**obj, "metadata": {key: value for key, value in metadata.items() if key not in _VOLATILE}}
