"""privileged-containers: every case, and what no API server would send."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.checks.cases import Case, cases
from tests.webhook.policy.language import POD, asks
from webhook.checks.privileged_containers import ID, judge

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("case", cases(ID), ids=lambda case: str(case.sentence))
def test_case(case: Case) -> None:
    """A manifest has the findings beside it, as CREATE and as UPDATE."""
    for request in case.requests():
        assert judge(request) == case.findings


PRIVILEGED = {"containers": [{"name": "api", "securityContext": {"privileged": True}}]}


@pytest.mark.parametrize(
    ("subresource", "findings"),
    [("", 1), ("ephemeralcontainers", 1), ("resize", 1), ("status", 0), ("exec", 0)],
)
def test_subresource_of_a_pod(subresource: str, findings: int) -> None:
    """A Pod is judged where its spec can change, not where only its status does."""
    assert len(judge(asks("UPDATE", {**POD, "spec": PRIVILEGED}, subresource=subresource))) == findings


def test_delete_is_not_judged() -> None:
    """Whoever deletes a privileged Pod does no harm by that."""
    assert judge(asks("DELETE", old={**POD, "spec": PRIVILEGED})) == ()


def test_the_new_object_counts_on_update() -> None:
    """Taking privileged away is allowed."""
    assert judge(asks("UPDATE", {**POD, "spec": {"containers": []}}, old={**POD, "spec": PRIVILEGED})) == ()


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        ("x", 'spec is "x"; make it an object'),
        ({"containers": 7}, "spec.containers is 7; make it a list"),
        ({"containers": [None]}, "spec.containers[0] is null; remove it"),
        ({"containers": ["x"]}, 'spec.containers[0] is "x"; make it an object'),
        ({"containers": [{"securityContext": []}]}, "spec.containers[0].securityContext is a list; make it an object"),
        (
            {"initContainers": [{"name": {}, "securityContext": {"privileged": "true"}}]},
            'initContainer an object sets spec.initContainers[0].securityContext.privileged="true"; '
            "remove it or set it to false",
        ),
        (
            {"containers": [{"securityContext": {"privileged": 1}}]},
            'container "" sets spec.containers[0].securityContext.privileged=1; remove it or set it to false',
        ),
    ],
)
def test_malformed_spec(spec: Any, finding: str) -> None:
    """What is not a Pod spec is said, and never raises."""
    assert judge(asks("CREATE", {**POD, "spec": spec})) == (f"{ID}: {finding}",)


def test_missing_object() -> None:
    """A CREATE without an object cannot be cleared."""
    request = asks("CREATE", POD)
    missing = asks("CREATE", None, resource="pods", old={**POD})
    assert judge(request) == ()
    assert judge(missing) == (f"{ID}: the Pod is missing; send one",)


def test_names_cannot_forge_a_line() -> None:
    """A container name with line ends and escapes is shown escaped."""
    spec = {"containers": [{"name": "a\n\x1b[31m\u202e", "securityContext": {"privileged": True}}]}
    (finding,) = judge(asks("CREATE", {**POD, "spec": spec}))
    assert 'container "a\\n\\u001b[31m\\u202e" sets' in finding


@given(st.dictionaries(st.sampled_from(["containers", "initContainers", "ephemeralContainers"]), JSON) | JSON)
def test_any_spec(spec: Any) -> None:
    """Whatever the spec is, the answer is a tuple of lines with the id of the check."""
    for finding in judge(asks("CREATE", {**POD, "spec": spec})):
        assert finding.startswith(f"{ID}: ")
        assert finding.isprintable()
