"""One request, all policies, one verdict.

Every rule of every policy that names the user is judged, and every finding is in the answer; the strongest decides.
A user whom no policy names is allowed without a look.
"""

from collections.abc import Iterator

from webhook.admission.request import Object, Request
from webhook.admission.verdict import Action, Finding, Requirement, Verdict, verdict_of
from webhook.checks.inspection import Inspection
from webhook.checks.wording import one_line
from webhook.policy.compiled import BrokenPolicy, PolicySet
from webhook.policy.expression import Variables
from webhook.policy.fields import Mode
from webhook.policy.judgement import Asked, outcomes
from webhook.policy.mutation import unheld
from webhook.policy.observed import observed
from webhook.policy.protection import Protected, protection_findings
from webhook.policy.reads import deletion_findings

BROKEN_RULE = "policy"
"""The rule name of a finding about a policy that does not compile, where no single rule is to blame."""

_NOT_AN_AGENT = Verdict(Action.ALLOW)


def evaluate(
    request: Request, policies: PolicySet, *, protected: Protected, namespace: Object | None = None
) -> Verdict:
    """Judge one request by all policies that name its user, and by the always-on rules.

    `namespace` is the Namespace that the object lies in, as it is now, where `policies.needs_namespace(request)`;
    None = it is not known: every selector selects it, and an expression that reads it denies.
    """
    compiled = [policy for policy in policies.policies if policy.names(request.user)]
    broken = [policy for policy in policies.broken if policy.names(request.user)]
    if not compiled and not broken:
        return _NOT_AN_AGENT
    inspection, variables = Inspection(request), Variables.of(request, namespace=namespace)
    findings = protection_findings(inspection, protected, [*compiled, *broken])
    findings.extend(finding for policy in broken for finding in _broken_findings(policy))
    requirements: set[Requirement] = set()
    for policy in compiled:
        told = deletion_findings(Asked(policy, inspection, variables))
        findings.extend(observed(finding) if policy.mode is Mode.OBSERVE else finding for finding in told)
        for outcome in outcomes(policy, inspection, variables, namespace):
            finding = outcome.finding
            if policy.mode is Mode.OBSERVE:
                findings.append(observed(finding))
                continue
            findings.append(finding)
            if outcome.terms is not None:
                requirements.add(Requirement(finding.policy, finding.rule, outcome.terms))
    findings.extend(unheld(request, compiled, protected=protected, namespace=namespace))
    return verdict_of(findings, requirements)


def _broken_findings(policy: BrokenPolicy) -> Iterator[Finding]:
    """Deny for a policy that does not compile: one finding a problem, with its field and remedy."""
    for problem in policy.problems:
        message = one_line(f"this policy is broken, so everything is denied; ask its owner to mend {problem}")
        finding = Finding(policy.name, problem.rule or BROKEN_RULE, message, Action.DENY)
        yield observed(finding) if policy.mode is Mode.OBSERVE else finding
