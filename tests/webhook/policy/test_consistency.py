"""Mistakes that no single field shows."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import policy, rule
from webhook.policy.model import InvalidPolicy, parse_policy


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        (policy(name="kubescrow"), 'metadata.name: "kubescrow" is not allowed; use another name'),
        (policy(rule(), rule()), 'spec.rules[1].name: "r" is not allowed; use a name that no other rule'),
        (policy(rule(name="unmatched")), 'spec.rules[0].name: "unmatched" is not allowed; use another name'),
        (policy(rule(hold={})), "spec.rules[0].hold: hold with action Deny is not allowed; use it only with action Ho"),
        (policy(rule(check="a", checks=["b"])), "spec.rules[0].checks: a list beside check is not allowed; use either"),
        (policy(rule("Hold", hold={"wait": "2h"})), 'hold.wait: "2h" is not allowed; use at most decideWithin, 1h'),
        (
            policy(rule("Hold", hold={"approvers": [{}]})),
            "approvers[0]: an empty entry is not allowed; use exactly one",
        ),
        (policy(subjects=[{}]), "spec.subjects[0]: an empty entry is not allowed; use exactly one of"),
        (policy(subjects=[{"user": "a", "group": "b"}]), "spec.subjects[0]: group together with user is not allowed"),
        (policy(subjects=[{"group": "system:authenticated"}]), "use a group of agents; this one holds everybody"),
        (policy(excludeSubjects=[{}]), "spec.excludeSubjects[0]: an empty entry"),
    ],
)
def test_contradiction(obj: dict[str, Any], problem: str) -> None:
    """A contradiction is named like any other mistake."""
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy(obj)
    assert [str(found) for found in caught.value.problems if problem in str(found)]
    assert len(caught.value.problems) == 1


def test_everybody_may_be_excluded() -> None:
    """An exclusion that means everybody is silly but harmless, so it is the author's."""
    parsed = parse_policy(policy(excludeSubjects=[{"group": "system:authenticated"}]))
    assert len(parsed.spec.exclude_subjects) == 1
