"""A binding is judged by who gets which role through it, and did not have it before."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.checks.rbac.permitting import RULES, role
from tests.webhook.policy.language import asks
from webhook.checks import CHECK_BY_ID
from webhook.checks.inspection import Inspection
from webhook.checks.rbac import CHECKS
from webhook.checks.rbac.binding import binding_of

JANE = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}
BOT = {"kind": "ServiceAccount", "namespace": "shop", "name": "bot"}
BOT_AS_USER = {**JANE, "name": "system:serviceaccount:shop:bot"}
BINDINGS = [check for check in CHECKS if check.id.startswith("binds-")]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "name", "verbs"]), inner),
    max_leaves=6,
)


def binding(*subjects: Any, role: Any = "edit", kind: str = "ClusterRole", **more: Any) -> dict[str, Any]:
    """Write a RoleBinding."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "made", "namespace": "shop"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": list(subjects),
        **more,
    }


def gets(new: Any, old: Any = None) -> list[str]:
    """Who gets the role."""
    return [subject.name for subject in binding_of(asks("UPDATE" if old else "CREATE", new, old=old)).added]


@pytest.mark.parametrize(
    ("new", "old", "names"),
    [
        pytest.param(binding(BOT, JANE), None, ["bot", "jane"], id="all of a new one"),
        pytest.param(binding(BOT, JANE), binding(JANE), ["bot"], id="who comes to it"),
        pytest.param(binding(JANE), binding(JANE, BOT), [], id="nobody by a removal"),
        pytest.param(binding(JANE), binding(JANE, role="view"), ["jane"], id="all of them by another role"),
        pytest.param(binding(JANE), binding(JANE, kind="Role"), ["jane"], id="all of them by a role of another kind"),
        pytest.param(binding(BOT_AS_USER), binding(BOT), [], id="the same by another name"),
        pytest.param(binding({**BOT, "namespace": "bank"}), binding(BOT), ["bot"], id="a namesake elsewhere"),
        pytest.param(binding({**JANE, "kind": "Group"}), binding(JANE), ["jane"], id="a group of the same name"),
        pytest.param(binding(JANE), {"kind": "RoleBinding"}, ["jane"], id="an old one that cannot be read"),
        pytest.param(binding(), None, [], id="nobody"),
    ],
)
def test_who_gets_the_role(new: Any, old: Any, names: list[str]) -> None:
    """Those who did not have it by this binding."""
    assert gets(new, old) == names


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (binding(JANE, roleRef=None), "roleRef.kind is null; make it a string"),
        (binding(JANE, role=7), "roleRef.name is 7; make it a string"),
        (binding("jane"), 'subjects[0] is "jane"; make it an object'),
        (binding(JANE, {"kind": "User"}), "subjects[1].name is null; make it a string"),
        (binding({**BOT, "namespace": []}), "subjects[0].namespace is a list; make it a string"),
        (binding(JANE, subjects={}), "subjects is an object; make it a list"),
    ],
)
def test_what_is_no_binding_is_refused(new: Any, says: str) -> None:
    """By every check of bindings, with the field."""
    for check in BINDINGS:
        assert check.findings(Inspection(asks("CREATE", new))) == (f"{check.id}: {says}",)


def test_a_missing_binding_is_refused() -> None:
    """No object, no judgement."""
    request = asks("CREATE", None, old=binding(), resource="rolebindings")
    assert all(check.findings(Inspection(request)) for check in BINDINGS)


def test_names_cannot_forge_a_line() -> None:
    """Of a role, of a subject, and of the kind of one."""
    evil = "x\n\x1b[31mkubescrow: fine\u202e"
    new = binding({"kind": evil, "name": evil}, role=evil, kind=evil)
    [said] = CHECK_BY_ID["binds-unlisted-roles"].findings(Inspection(asks("CREATE", new)))
    assert said.isprintable()


def test_a_system_subject_behind_a_thousand_others_is_seen() -> None:
    """Every subject counts."""
    many = [{**JANE, "name": f"u{i}"} for i in range(1000)]
    new = binding(*many, {**JANE, "kind": "Group", "name": "system:authenticated"})
    [said] = CHECK_BY_ID["binds-system-subjects"].findings(Inspection(asks("CREATE", new)))
    assert "subjects[1000]" in said


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
@given(JSON, JSON, JSON, RULES)
def test_whatever_is_sent_is_answered(check: Any, role_ref: Any, subjects: Any, broken: Any, rules: Any) -> None:
    """With printable lines that begin with the id of the check."""
    for new, old in ((binding(roleRef=role_ref, subjects=subjects), broken), (role(broken), role(rules)),
                     (role(rules, aggregationRule=broken), role(rules, aggregationRule=subjects))):  # fmt: skip
        for finding in check.findings(Inspection(asks("UPDATE", new, old=old if isinstance(old, dict) else {}))):
            assert finding.startswith(f"{check.id}: ")
            assert finding.isprintable()
