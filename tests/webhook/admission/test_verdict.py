"""The strongest finding decides, all of them are told, and always in the same order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.admission.verdict import Action, Finding, Requirement, Terms, Verdict, verdict_of

SHORT = st.sampled_from(["a", "b", "c"])
FINDINGS = st.builds(Finding, SHORT, SHORT, SHORT, st.sampled_from(Action), SHORT)
REQUIREMENTS = st.builds(Requirement, SHORT, SHORT, st.builds(Terms, st.integers(1, 3)))


def finding(action: Action) -> Finding:
    """One rule's word."""
    return Finding("policy", "rule", "text", action)


@pytest.mark.parametrize(
    ("actions", "strongest"),
    [
        pytest.param([], Action.ALLOW, id="no finding allows"),
        pytest.param([Action.ALLOW], Action.ALLOW, id="a note allows"),
        pytest.param([Action.ALLOW, Action.WARN], Action.WARN, id="warn beats allow"),
        pytest.param([Action.HOLD, Action.WARN], Action.HOLD, id="hold beats warn"),
        pytest.param([Action.HOLD, Action.DENY, Action.WARN], Action.DENY, id="deny beats hold"),
    ],
)
def test_the_strongest_action_decides(actions: list[Action], strongest: Action) -> None:
    """Deny beats Hold beats Warn beats Allow."""
    assert verdict_of([finding(action) for action in actions], []).action is strongest


@given(st.lists(FINDINGS), st.lists(REQUIREMENTS, unique_by=lambda r: (r.policy, r.rule)), st.randoms())
def test_the_order_of_judging_does_not_matter(
    findings: list[Finding], requirements: list[Requirement], random: Any
) -> None:
    """The same findings in any order, or given twice, make the same verdict."""
    verdict = verdict_of(findings, requirements)
    random.shuffle(findings)
    random.shuffle(requirements)
    assert verdict_of([*findings, *findings[:2]], requirements) == verdict


@given(st.lists(FINDINGS))
def test_every_finding_is_told_strongest_first(findings: list[Finding]) -> None:
    """Nothing is lost because something stronger was found."""
    verdict = verdict_of(findings, [])
    assert set(verdict.findings) == set(findings)
    assert [f.action for f in verdict.findings] == sorted((f.action for f in verdict.findings), reverse=True)


@given(st.lists(FINDINGS), st.lists(REQUIREMENTS, min_size=1))
def test_people_are_asked_only_if_it_is_held(findings: list[Finding], requirements: list[Requirement]) -> None:
    """A verdict that denies, warns or allows asks nobody for an approval."""
    verdict = verdict_of(findings, requirements)
    assert bool(verdict.requirements) is (verdict.action is Action.HOLD)


def test_a_rule_is_called_by_policy_and_name() -> None:
    """Messages and audit annotations call a rule by one path."""
    assert Finding("production", "no-pods", "text", Action.DENY).rule_path == "production/no-pods"
    assert verdict_of([], []) == Verdict(Action.ALLOW)
