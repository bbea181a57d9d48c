"""Every case by every way to a check that needs no cluster: a policy, and HTTP; bare Pods also wrapped."""

from __future__ import annotations

import pytest

from tests.webhook.checks.cases import Case, cases
from tests.webhook.checks.governing import policy_of
from tests.webhook.checks.served import answer
from tests.webhook.checks.wrapping import forms
from tests.webhook.policy.language import judged
from webhook.admission.verdict import Action

FORMS = [
    pytest.param(form, id=f"{form.check}: {form.path.parent.name}: {form.sentence}")
    for case in cases()
    for form in forms(case)
]


@pytest.mark.parametrize("case", FORMS)
def test_a_policy_with_the_check(case: Case) -> None:
    """It denies with the findings of the check, word for word, and passes what has none."""
    for request in case.requests():
        verdict = judged(request, policy_of(case))
        assert verdict.action is (Action.DENY if case.findings else Action.ALLOW)
        assert [finding.message for finding in verdict.findings] == sorted(case.findings)


@pytest.mark.parametrize("case", FORMS)
def test_the_answer_to_the_api_server(case: Case) -> None:
    """One message for people with every finding, one cause a finding for programs."""
    for request in case.requests():
        response = answer(request, policy_of(case))
        assert response["allowed"] is not bool(case.findings)
        if case.findings:
            said = sorted(case.findings)
            assert response["status"]["message"] == "; ".join(f"p/r: {finding}" for finding in said)
            causes = response["status"]["details"]["causes"]
            assert causes == [{"reason": "DENY", "field": "p/r", "message": finding} for finding in said]
