"""Policies made runnable, one by one and all together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import BOT, HUMAN, policy, rule
from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Action, Terms
from webhook.checks import BUNDLES
from webhook.checks.pod import SCOPES
from webhook.checks.scope import EVERYTHING
from webhook.policy.compile import Scope, compile_policy, compile_set
from webhook.policy.model import InvalidPolicy, parse_policy

CHECK = "privileged-containers"


def compiled(*rules: dict[str, Any], **spec: Any) -> Any:
    return compile_policy(parse_policy(policy(*rules, **spec)))


def test_rules() -> None:
    """A rule has its check, its expressions, its action; terms exactly if it holds."""
    deny, hold = compiled(rule(check=CHECK), rule("Hold", name="h", condition="true", message="'x'")).rules
    assert (deny.action, [check.id for check in deny.checks], deny.terms) == (Action.DENY, [CHECK], None)
    assert (hold.action, hold.terms) == (Action.HOLD, Terms())
    assert (hold.condition.source, hold.message.source) == ("true", "'x'")


def test_all_problems_at_once() -> None:
    """Unknown checks and expressions of every rule are named in one answer."""
    with pytest.raises(InvalidPolicy) as caught:
        compiled(
            rule(check="privileged"),
            rule(name="b", checks=[CHECK, "nothing"], condition="objct.x"),
            rule(name="c", condition="'x'", message="true"),
        )
    assert [(problem.path, problem.rule) for problem in caught.value.problems] == [
        ("spec.rules[0].check", "r"),
        ("spec.rules[1].checks[1]", "b"),
        ("spec.rules[1].condition", "b"),
        ("spec.rules[2].condition", "c"),
        ("spec.rules[2].message", "c"),
    ]
    lines = [str(problem) for problem in caught.value.problems]
    meant = f"use one of docs/checks.md, perhaps {CHECK}"
    assert lines[0].startswith(f'spec.rules[0].check: "privileged" is not allowed; {meant}')
    assert "a CEL expression that answers with a bool: line 1, column 6: undeclared reference to 'objct.x'" in lines[2]


def test_a_bundle_stands_for_its_checks() -> None:
    """Each once, also where a check is named beside it."""
    (bundled,) = compiled(rule(checks=["pod-security-baseline", CHECK])).rules
    assert bundled.checks == BUNDLES["pod-security-baseline"]


def test_an_exception_from_laundering_must_be_one_of_its_checks() -> None:
    """A typing error must not leave on what the author thinks is off."""
    with pytest.raises(InvalidPolicy) as caught:
        compiled(defaults={"launderingExcept": ["evictions"]})
    assert [problem.path for problem in caught.value.problems] == ["spec.defaults.launderingExcept[0]"]


@pytest.mark.parametrize(
    ("rules", "spec", "scopes"),
    [
        pytest.param([], {}, (), id="no rule needs nothing"),
        pytest.param([rule(match={"resources": ["pods"]})], {}, (Scope(("*",), ("*",), ("pods",)),), id="a match"),
        pytest.param([rule(check=CHECK)], {}, tuple(sorted(SCOPES)), id="a check without match"),
        pytest.param([rule(condition="true")], {}, (EVERYTHING,), id="neither"),
        pytest.param([rule(match={"resources": ["pods"]})], {"unmatched": "Deny"}, (EVERYTHING,), id="unmatched"),
        pytest.param([rule(check=CHECK), rule(name="b")], {}, (EVERYTHING,), id="everything covers the others"),
        pytest.param(
            [rule(match={"resources": ["pods"]}), rule(name="b", match={"resources": ["pods"]})],
            {},
            (Scope(("*",), ("*",), ("pods",)),),
            id="the same twice",
        ),
    ],
)
def test_scopes(rules: list[dict[str, Any]], spec: dict[str, Any], scopes: tuple[Scope, ...]) -> None:
    """What must be delivered is what the rules are about."""
    assert compiled(*rules, **spec).scopes == scopes


def test_set() -> None:
    """Policies are sorted by name; a broken one stands beside them with whom it names."""
    policies = compile_set([policy(name="b"), policy(rule("x"), name="c"), policy(name="a")])
    assert [p.name for p in policies.policies] == ["a", "b"]
    (broken,) = policies.broken
    assert (broken.name, broken.scopes) == ("c", (EVERYTHING,))
    assert broken.subjects == (Subject(SubjectKind.SERVICE_ACCOUNT, "*", "agents"),)
    assert [entry.policy for entry in policies.subjects] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("subjects", "excluded", "user", "is_agent"),
    [
        ([{"user": "jane"}], [], HUMAN, True),
        ([{"group": "sre"}], [], HUMAN, True),
        ([{"group": "sre"}], [{"user": "jane"}], HUMAN, False),
        ([{"group": "sre"}], [{"user": "jane"}], User("joe", groups=("sre",)), True),
        ([{"user": "jane"}], [], BOT, False),
    ],
)
def test_is_agent(subjects: Any, excluded: Any, user: User, is_agent: bool) -> None:
    """A subject of any policy, also of one that observes or does not compile."""
    for spec in ({}, {"mode": "Observe"}, {"unmatched": "typo"}):
        policies = compile_set([policy(subjects=subjects, excludeSubjects=excluded, **spec)])
        assert policies.is_agent(user) is is_agent


def test_revision() -> None:
    """It depends on which policies there are, in which writing, and not on their order."""
    one, two = policy(name="a"), policy(name="b")
    changed = {**one, "metadata": {**one["metadata"], "generation": 2}}
    recreated = {**one, "metadata": {**one["metadata"], "uid": "other"}}
    sets = [[one, two], [one], [], [changed, two], [recreated, two]]
    revisions = {compile_set(objs).revision for objs in sets}
    assert len(revisions) == len(sets)
    assert compile_set([two, one]).revision == compile_set([one, two]).revision
    assert all(len(revision) == 16 and int(revision, 16) >= 0 for revision in revisions)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
METADATA = st.fixed_dictionaries({}, optional={"name": JSON, "uid": JSON, "generation": JSON})


@given(st.lists(JSON | st.fixed_dictionaries({}, optional={"metadata": METADATA, "spec": JSON}), max_size=4))
def test_any_set(objs: list[Any]) -> None:
    """Whatever is stored, a set comes out, and each object is in it."""
    policies = compile_set(objs)
    assert len(policies.policies) + len(policies.broken) == len(objs)
    for broken in policies.broken:
        assert broken.problems
        assert broken.name.isprintable()
