"""What one policy says to one request: an outcome for each rule that finds something.

A rule that cannot be judged never lets through by accident: an expression that errs denies unless the author chose
`failurePolicy: Ignore`, one that was stopped denies always, a hold that no approval could release denies.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from webhook.admission.request import Operation, Request
from webhook.admission.verdict import Action, Finding, Terms
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.wording import one_line
from webhook.policy.compiled import CompiledPolicy, CompiledRule
from webhook.policy.consistency import UNMATCHED_RULE
from webhook.policy.expression import ExpressionError, ExpressionLimit, Variables
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


def outcomes(policy: CompiledPolicy, inspection: Inspection, variables: Variables) -> Iterator[Outcome]:
    """Judge by all rules of one policy, and by its `unmatched` if none of them is about the request."""
    request, is_matched = inspection.request, False
    for rule in policy.rules:
        if rule.covers(request):
            is_matched = is_matched or rule.is_selective
            yield from _judged(policy, rule, inspection, variables)
    if not is_matched and policy.unmatched in _UNMATCHED:
        message = f"{request.operation.value} {request.target} is covered by no rule of this policy"
        yield _outcome(policy, _UNMATCHED[policy.unmatched], request, message=message)


def _judged(
    policy: CompiledPolicy, rule: CompiledRule, inspection: Inspection, variables: Variables
) -> Iterator[Outcome]:
    """Judge by one rule that is about the request: its checks, then its condition; both must find something."""
    request = inspection.request
    found = [(check.id, message) for check in rule.checks for message in _findings(policy, rule, check, inspection)]
    if rule.checks and not found:
        return
    try:
        if rule.condition is not None and rule.condition.evaluate(variables) is not True:
            return
    except (ExpressionError, ExpressionLimit) as err:
        yield _unjudged(policy, rule, err)
        return
    own = _own_message(rule, variables)
    for check_id, message in found:
        yield _outcome(policy, rule, request, message=f"{message}; {own}" if own else message, check=check_id)
    if not found:
        message = own or f"{request.operation.value} {request.target} is what this rule is about"
        yield _outcome(policy, rule, request, message=message)


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


def _unjudged(policy: CompiledPolicy, rule: CompiledRule, error: ExpressionError | ExpressionLimit) -> Outcome:
    """Make the outcome of a condition without an answer."""
    ignored = isinstance(error, ExpressionError) and policy.failure_policy is FailurePolicy.IGNORE
    remedy = "ignored, as failurePolicy says" if ignored else "ask the owner of the policy to mend the rule"
    message = one_line(f"the condition has no answer for this request: {error}; {remedy}")
    return Outcome(Finding(policy.name, rule.name, message, Action.ALLOW if ignored else Action.DENY))


def _own_message(rule: CompiledRule, variables: Variables) -> str:
    """Return the text of the author's `message`; empty without one, or if it errs: the finding stands without."""
    if rule.message is None:
        return ""
    try:
        return one_line(str(rule.message.evaluate(variables)))
    except (ExpressionError, ExpressionLimit):
        return ""
