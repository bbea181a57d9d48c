"""A policy is read whole or refused with every mistake named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import policy, rule
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Terms
from webhook.policy.model import InvalidPolicy, parse_policy, readable_name


def test_whole_policy() -> None:
    """Every field arrives where it belongs, durations in seconds."""
    hold = {"approvals": 2, "wait": "0s", "decideWithin": "2h", "useWithin": "1m", "requireReason": True}
    parsed = parse_policy(policy(rule("Hold", hold={**hold, "approvers": [{"group": "sre"}]}), mode="Observe"))
    assert (parsed.name, parsed.uid, parsed.generation) == ("p", "uid-p", 1)
    assert parsed.spec.mode == "Observe"
    assert parsed.spec.subjects[0].subject() == Subject(SubjectKind.SERVICE_ACCOUNT, "*", "agents")
    read = parsed.spec.rules[0].hold
    assert read is not None
    approvers = (Subject(SubjectKind.GROUP, "sre"),)
    assert read.terms() == Terms(2, 0, 7200, 60, require_reason=True, approvers=approvers)


def test_defaults_of_a_hold() -> None:
    """A hold without a word means the default terms."""
    parsed = parse_policy(policy(rule("Hold", hold={})))
    assert parsed.spec.rules[0].hold is not None
    assert parsed.spec.rules[0].hold.terms() == Terms()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"action": "Denny"}, 'spec.rules[0].action: "Denny" is not allowed; use one of Deny, Hold, Warn'),
        ({"action": "deny"}, 'spec.rules[0].action: "deny" is not allowed; use one of Deny, Hold, Warn'),
        ({"name": "No_Good"}, 'spec.rules[0].name: "No_Good" is not allowed; use lower case letters, digits and -'),
        ({"actoin": "x"}, "spec.rules[0].actoin: an unknown field is not allowed; use one of name, match, check,"),
        ({"match": {"operation": []}}, "spec.rules[0].match.operation: an unknown field is not allowed; use one of op"),
        (
            {"match": {"operations": ["READ"]}},
            'operations[0]: "READ" is not allowed; use one of *, CREATE, UPDATE, DELE',
        ),
        ({"match": {"operations": []}}, "an empty list is not allowed; use a list of at least 1 entries"),
        ({"match": {"resources": "pods"}}, 'resources: "pods" is not allowed; use a list'),
        (
            {"match": {"resources": ["Pods"]}},
            'resources[0]: "Pods" is not allowed; use a resource such as pods, pods/e',
        ),
        ({"match": {"resourceNames": ["a*b"]}}, 'resourceNames[0]: "a*b" is not allowed; use a name, with * at its st'),
        (
            {"match": {"namespaces": ["x"] * 101}},
            "namespaces: a list is not allowed; use a list of at most 100 entries",
        ),
        ({"match": []}, "spec.rules[0].match: a list is not allowed; use an object"),
        ({"check": ["a"]}, "spec.rules[0].check: a list is not allowed; use a string"),
        ({"condition": 1}, "spec.rules[0].condition: 1 is not allowed; use a string"),
        ({"hold": {"approvals": "2"}}, 'spec.rules[0].hold.approvals: "2" is not allowed; use a whole number'),
        ({"hold": {"approvals": True}}, "spec.rules[0].hold.approvals: true is not allowed; use a whole number"),
        ({"hold": {"approvals": 0}}, "spec.rules[0].hold.approvals: 0 is not allowed; use a whole number from 1"),
        ({"hold": {"approvals": 11}}, "spec.rules[0].hold.approvals: 11 is not allowed; use a whole number up to 10"),
        ({"hold": {"wait": 60}}, "spec.rules[0].hold.wait: 60 is not allowed; use a duration of 0s to 24h, such as 1m"),
        ({"hold": {"decideWithin": "30s"}}, 'decideWithin: "30s" is not allowed; use a duration of 1m to 168h'),
        ({"hold": {"useWithin": "25h"}}, 'useWithin: "25h" is not allowed; use a duration of 10s to 24h'),
        ({"hold": {"requireReason": "yes"}}, 'requireReason: "yes" is not allowed; use true or false'),
        ({"hold": {"approvers": []}}, "approvers: an empty list is not allowed; use a list of at least 1 entries"),
    ],
)
def test_wrong_rule(fields: dict[str, Any], problem: str) -> None:
    """A mistake is named by path, what was found and what is allowed, and carries the name of its rule."""
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy(policy({**rule("Hold"), **fields}))
    (found,) = caught.value.problems
    assert problem in str(found)
    assert found.rule == fields.get("name", "r")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"spec": 1}, "spec: 1 is not allowed; use an object"),
        ({"spec": {}}, "spec.subjects: a missing value is not allowed; use a value, the field is required"),
        ({"spec": {"subjects": []}}, "spec.subjects: an empty list is not allowed"),
        ({"spec": {"subjects": [{"user": "*"}]}}, "and not * alone, which names everybody"),
        ({"spec": {"subjects": [{"user": "a"}], "exclude_subjects": []}}, "spec.exclude_subjects: an unknown field"),
        ({"kind": "Policy"}, 'kind: "Policy" is not allowed; use one of AgentPolicy'),
        ({"apiVersion": "kubescrow.dev/v2"}, "apiVersion: "),
        ({"metadata": {}}, "metadata.name: a missing value"),
        ({"metadata": {"name": "a\nb"}}, 'metadata.name: "a\\nb" is not allowed; use lower case letters'),
    ],
)
def test_wrong_object(change: dict[str, Any], problem: str) -> None:
    """The same outside of rules."""
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy({**policy(), **change})
    assert problem in str(caught.value)


def test_all_problems_at_once() -> None:
    """Three mistakes take one round, not three."""
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy(policy(rule("x"), {"name": "y"}, mode="On"))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("obj", "name"),
    [
        ({"metadata": {"name": "a"}}, "a"),
        ({"metadata": {"name": 1}}, "(unnamed)"),
        ({"metadata": None}, "(unnamed)"),
        ([], "(unnamed)"),
        (None, "(unnamed)"),
        ({"metadata": {"name": "a\n\ud800b"}}, "a b"),
    ],
)
def test_readable_name(obj: Any, name: str) -> None:
    """Whatever the object, it can be called something that prints."""
    assert readable_name(obj) == name
