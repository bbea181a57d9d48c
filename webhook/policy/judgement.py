"""What one policy says to one request: an outcome for each rule that finds something.

A rule that cannot be judged never lets through by accident: an expression that errs denies unless the author chose
`failurePolicy: Ignore`, one that was stopped denies always, a hold that no approval could release denies.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.admission.request import Object, Operation, Request
from webhook.admission.verdict import Action, Finding, Terms
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.wording import one_line
from webhook.policy.compiled import CompiledPolicy, CompiledRule
from webhook.policy.consistency import UNMATCHED_RULE
from webhook.policy.expression import Expression, ExpressionError, ExpressionLimit, Variables
from webhook.policy.fields import FailurePolicy, Unmatched

_UNMATCHED = {
    Unmatched.HOLD: CompiledRule(name=UNMATCHED_RULE, action=Action.HOLD, terms=Terms()),
    Unmatched.DENY: CompiledRule(name=UNMATCHED_RULE, action=Action.DENY),
}

# Proxied calls look all the same here, whatever their method and path; a collection comes object by object.
_PROXY_ADVICE = "a call through a proxy cannot be held, its method and path are not known; use exec or port-forward"
_COLLECTION_ADVICE = "a deletion of a whole collection cannot be held; delete the objects one by one, by name"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One finding, with the terms on which its rule would let the request pass if it holds."""

    finding: Finding
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as one policy sees it. `namespace` is where the object lies, None where that is not known."""

    policy: CompiledPolicy
    inspection: Inspection
    variables: Variables
    namespace: Object | None = None

    @property
    def request(self) -> Request:
        """What is asked."""
        return self.inspection.request

    def answer(self, expression: Expression) -> bool | str | int | float:
        """Evaluate an expression of the policy.

        Raises:
            ExpressionError: it has no answer for this request.
            ExpressionLimit: it was stopped, or reads a Namespace that is not known.
        """
        return expression.evaluate(self.variables)


@dataclass(frozen=True, slots=True)
class Applies:
    """A rule applies to a request; `found` is what its checks found, as (check id, message)."""

    found: tuple[tuple[str, str], ...] = ()


def outcomes(
    policy: CompiledPolicy, inspection: Inspection, variables: Variables, namespace: Object | None = None
) -> Iterator[Outcome]:
    """Judge by all rules of one policy, and by its `unmatched` if none of them is about the request."""
    asked = Asked(policy, inspection, variables.with_params(policy.params), namespace)
    request, is_matched = inspection.request, False
    for rule in policy.rules:
        if not rule.covers(request, namespace):
            continue
        is_about = _match_conditions_hold(asked, rule)
        if isinstance(is_about, Outcome):
            yield is_about
        if is_about is True:
            is_matched = is_matched or rule.is_selective
            yield from _judged(asked, rule)
    if not is_matched and policy.unmatched in _UNMATCHED:
        message = f"{request.operation.value} {request.target} is covered by no rule of this policy"
        yield _outcome(policy, _UNMATCHED[policy.unmatched], request, message=message)


def applies(asked: Asked, rule: CompiledRule) -> Applies | Outcome | None:
    """Say whether a rule applies: match, match conditions, checks, condition; an outcome where that has no answer."""
    if not rule.covers(asked.request, asked.namespace):
        return None
    is_about = _match_conditions_hold(asked, rule)
    if is_about is not True:
        return is_about or None
    return _found(asked, rule)


def _match_conditions_hold(asked: Asked, rule: CompiledRule) -> bool | Outcome:
    """Say whether all match conditions are true; one that is false decides, whatever the others are.

    Source: k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions/matcher.go
    """
    error: ExpressionError | ExpressionLimit | None = None
    for condition in rule.match_conditions:
        try:
            if asked.answer(condition) is not True:
                return False
        except (ExpressionError, ExpressionLimit) as err:
            # One that was stopped denies whatever `failurePolicy` says, so it outweighs one that erred.
            error = err if error is None or isinstance(err, ExpressionLimit) else error
    return True if error is None else unjudged(asked.policy, rule, error, "match condition")


def _found(asked: Asked, rule: CompiledRule) -> Applies | Outcome | None:
    """Ask the checks, then the condition, of a rule that is about the request; both must find something."""
    found = tuple(
        (check.id, text) for check in rule.checks for text in _findings(asked.policy, rule, check, asked.inspection)
    )
    if rule.checks and not found:
        return None
    try:
        if rule.condition is not None and asked.answer(rule.condition) is not True:
            return None
    except (ExpressionError, ExpressionLimit) as err:
        return unjudged(asked.policy, rule, err, "condition")
    return Applies(found)


def _judged(asked: Asked, rule: CompiledRule) -> Iterator[Outcome]:
    """Judge by one rule that is about the request."""
    applied = _found(asked, rule)
    if isinstance(applied, Outcome):
        yield applied
    if not isinstance(applied, Applies):
        return
    request = asked.request
    own = own_message(asked, rule)
    for check_id, message in applied.found:
        text = f"{message}; {own}" if own else message
        yield _outcome(asked.policy, rule, request, message=text, check=check_id)
    if not applied.found:
        message = own or f"{request.operation.value} {request.target} is what this rule is about"
        yield _outcome(asked.policy, rule, request, message=message)


def _findings(policy: CompiledPolicy, rule: CompiledRule, check: Check, inspection: Inspection) -> tuple[str, ...]:
    parameters = rule.parameters.get(check.id)
    if parameters is None and not policy.accounts:
        return check.findings(inspection)
    return check.findings(inspection.given(accounts=policy.accounts, parameters=parameters))


def _outcome(policy: CompiledPolicy, rule: CompiledRule, request: Request, *, message: str, check: str = "") -> Outcome:
    """Make the outcome of a rule that applies; a hold that nobody could release becomes a denial with advice."""
    action, terms = rule.action, rule.terms
    advice = _why_not_held(request) if action is Action.HOLD else ""
    if advice:
        action, terms, message = Action.DENY, None, f"{message}; {advice}"
    return Outcome(Finding(policy.name, rule.name, one_line(message), action, check), terms)


def _why_not_held(request: Request) -> str:
    if request.operation is Operation.CONNECT and request.subresource == "proxy":
        return _PROXY_ADVICE
    if request.operation is Operation.DELETE and not request.name:
        return _COLLECTION_ADVICE
    return ""


def unjudged(
    policy: CompiledPolicy, rule: CompiledRule, error: ExpressionError | ExpressionLimit, what: str
) -> Outcome:
    """Make the outcome of an expression without an answer; `what` says which of the rule's it is."""
    ignored = isinstance(error, ExpressionError) and policy.failure_policy is FailurePolicy.IGNORE
    remedy = "ignored, as failurePolicy says" if ignored else "ask the owner of the policy to mend the rule"
    message = one_line(f"the {what} has no answer for this request: {error}; {remedy}")
    return Outcome(Finding(policy.name, rule.name, message, Action.ALLOW if ignored else Action.DENY))


def own_message(asked: Asked, rule: CompiledRule) -> str:
    """Return the text of the author's `message`; empty without one, or if it errs: the finding stands without."""
    if rule.message is None:
        return ""
    try:
        return one_line(str(asked.answer(rule.message)))
    except (ExpressionError, ExpressionLimit):
        return ""
