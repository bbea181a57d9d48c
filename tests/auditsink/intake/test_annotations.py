"""What annotations say of our verdicts, and who may say it."""

from __future__ import annotations

import pytest

from auditsink.intake.annotations import Said, failed_open, said_by_policies

RULES, SELF = "rules.policy.kubescrow.dev", "self-2.policy.kubescrow.dev"


@pytest.mark.parametrize(
    ("annotations", "said"),
    [
        pytest.param({}, Said(), id="nobody spoke"),
        pytest.param(
            {f"{RULES}/verdict": "deny", f"{RULES}/rules": "p/a,p/b", "authorization.k8s.io/decision": "allow"},
            Said("deny", "p/a,p/b"),
            id="one webhook denies",
        ),
        pytest.param(
            {
                f"{RULES}/verdict": "hold",
                f"{RULES}/rules": "p/b",
                f"{RULES}/approval": "appr-1",
                f"{RULES}/decided-by": "al",
                f"{SELF}/verdict": "allow",
                f"{SELF}/rules": "p/a,p/b",
            },
            Said("hold", "p/b,p/a", "appr-1", "al"),
            id="the strongest verdict, every rule once, the approval that is named",
        ),
        pytest.param({f"{SELF}/verdict": "deny", f"{RULES}/verdict": "hold"}, Said("deny"), id="deny beats hold"),
        pytest.param({f"{SELF}/verdict": "warn", f"{RULES}/verdict": "allow"}, Said("warn"), id="warn beats allow"),
        pytest.param({f"{SELF}/verdict": "odd", f"{RULES}/verdict": "allow"}, Said("allow"), id="a known word wins"),
        pytest.param({"approvals.kubescrow.dev/verdict": "deny"}, Said(), id="a guard does not speak"),
        pytest.param({"policy.kubescrow.dev/verdict": "deny"}, Said(), id="the bare domain is no webhook of ours"),
        pytest.param({"x.policy.kubescrow.dev.evil.com/verdict": "allow"}, Said(), id="begins like ours"),
        pytest.param({f"{RULES}/verdict": 7}, Said(), id="no text"),
    ],
)
def test_what_the_policies_said(annotations: dict[str, str], said: Said) -> None:
    """Only webhooks below .policy.kubescrow.dev."""
    assert said_by_policies(annotations) == said


@pytest.mark.parametrize("kind", ["validating", "mutation"])
def test_a_webhook_that_was_skipped_is_seen(kind: str) -> None:
    """By the API server's own word."""
    assert failed_open({f"failed-open.{kind}.webhook.admission.k8s.io/round_0_index_3": "x"})
    assert not failed_open({"authorization.k8s.io/decision": "allow"})
