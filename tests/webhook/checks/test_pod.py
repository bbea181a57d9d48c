"""The Pod is found wherever one is written, and nowhere else; what is not of its form is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.checks.cases import Case, cases
from tests.webhook.policy.language import POD, asks
from webhook.checks import CHECKS
from webhook.checks.inspection import Inspection
from webhook.checks.pod import SCOPES, pod_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    [
        "containers",
        "initContainers",
        "ephemeralContainers",
        "securityContext",
        "volumes",
        "hostNetwork",
        "name",
        "ports",
    ]
)
LIKE_A_POD = st.recursive(
    JSON,
    lambda inner: st.dictionaries(FIELDS, inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=20,
)


@pytest.mark.parametrize("case", cases("privileged-containers"), ids=lambda case: str(case.sentence))
def test_every_kind_is_delivered(case: Case) -> None:
    """Whatever carries a Pod is in the scopes, else the API server would not send it."""
    for request in case.requests():
        assert any(scope.covers(request) for scope in SCOPES)
        pod = pod_of(request)
        assert pod is not None
        assert "containers" in pod.spec


@pytest.mark.parametrize(
    ("kind", "api_version", "body"),
    [
        ("Service", "v1", {"spec": {}}),
        ("Deployment", "example.com/v1", {"spec": {"template": {"spec": {}}}}),
        ("ReplicationController", "v1", {"spec": {"replicas": 1}}),
        ("PodTemplate", "v1", {"template": None}),
    ],
)
def test_nothing_to_judge(kind: str, api_version: str, body: dict[str, object]) -> None:
    """Other kinds, and kinds whose template is left out, have no Pod."""
    assert pod_of(asks("CREATE", {"kind": kind, "apiVersion": api_version, **body})) is None


def test_scale_has_no_template() -> None:
    """A Scale comes for a Deployment but carries none of its template."""
    scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": 3}}
    assert pod_of(asks("UPDATE", scale, resource="deployments", subresource="scale", group="autoscaling")) is None


@pytest.mark.parametrize(
    ("subresource", "is_judged"),
    [("", True), ("ephemeralcontainers", True), ("resize", True), ("status", False), ("exec", False)],
)
def test_subresource_of_a_pod(subresource: str, is_judged: bool) -> None:
    """A Pod is judged where its spec can change, not where only its status does."""
    assert (pod_of(asks("UPDATE", {**POD, "spec": {}}, subresource=subresource)) is not None) is is_judged


def test_a_deleted_pod_is_not_judged() -> None:
    """Whoever deletes a bad Pod does no harm by that."""
    assert pod_of(asks("DELETE", old={**POD, "spec": {}})) is None


BAD: dict[str, Any] = {**POD, "spec": {"hostNetwork": True}}


@pytest.mark.parametrize(
    ("old", "is_judged"),
    [
        pytest.param({**BAD, "metadata": {"labels": {"a": "b"}}}, False, id="only its labels change"),
        pytest.param({**POD, "spec": {}}, True, id="its spec changes"),
        pytest.param({**POD, "spec": {"hostNetwork": True, "x": 1}}, True, id="its spec becomes smaller"),
        pytest.param(POD, True, id="the old one has no spec"),
        pytest.param(None, True, id="there is no old one"),
    ],
)
def test_a_pod_that_stays_as_it_is(old: Any, is_judged: bool) -> None:
    """Whoever labels a bad Pod does not run it."""
    assert (pod_of(asks("UPDATE", BAD, old=old)) is not None) is is_judged


def test_a_template_that_stays_as_it_is() -> None:
    """Is judged: with more replicas it runs more of the same."""
    job = {"kind": "Job", "apiVersion": "batch/v1", "spec": {"template": {"spec": {"hostNetwork": True}}}}
    assert pod_of(asks("UPDATE", job, old=job)) is not None


def test_a_spec_too_deep_to_compare() -> None:
    """Is judged, and no exception."""
    deep: Any = {}
    other: Any = {}
    for _ in range(5000):
        deep, other = {"a": deep}, {"a": other}
    assert pod_of(asks("UPDATE", {**POD, "spec": deep}, old={**POD, "spec": other})) is not None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"spec": "x"}, 'spec is "x"; make it an object'),
        ({"spec": {"containers": 7}}, "spec.containers is 7; make it a list"),
        ({"spec": {"containers": [None]}}, "spec.containers[0] is null; remove it"),
        ({"spec": {"containers": ["x"]}}, 'spec.containers[0] is "x"; make it an object'),
        (
            {"spec": {"containers": [{}, {"securityContext": []}]}},
            "spec.containers[1].securityContext is a list; make it an object",
        ),
        ({"metadata": {"annotations": 1}, "spec": {}}, "metadata.annotations is 1; make it an object"),
    ],
)
def test_what_is_no_pod_is_said(body: Any, problem: str) -> None:
    """With the field path, by every check of Pods, and without an exception."""
    request = asks("CREATE", {**POD, **body})
    pod = pod_of(request)
    assert pod is not None
    assert pod.problem == problem
    said = {check.findings(Inspection(request)) for check in CHECKS if check.scopes is SCOPES}
    assert all(problem in finding for findings in said for finding in findings)


def test_broken_path_is_said() -> None:
    """A template that is a string is a problem with its path."""
    pod = pod_of(asks("CREATE", {"kind": "Job", "apiVersion": "batch/v1", "spec": {"template": "x"}}))
    assert pod is not None
    assert pod.problem == 'spec.template is "x"; make it an object'


def test_missing_object() -> None:
    """A CREATE without an object cannot be cleared."""
    pod = pod_of(asks("CREATE", None, resource="pods", old={**POD}))
    assert pod is not None
    assert pod.problem == "the Pod is missing; send one"


def test_names_cannot_forge_a_line() -> None:
    """A container name with line ends and escapes is shown escaped."""
    pod = pod_of(asks("CREATE", {**POD, "spec": {"containers": [{"name": "a\n\x1b[31m\u202e"}]}}))
    assert pod is not None
    assert pod.containers[0].title == 'container "a\\n\\u001b[31m\\u202e"'


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
@given(st.dictionaries(FIELDS, LIKE_A_POD) | JSON)
def test_any_spec(check: Any, spec: Any) -> None:
    """Whatever the spec is, every check answers with printable lines that begin with its id."""
    for finding in check.findings(Inspection(asks("CREATE", {**POD, "spec": spec}))):
        assert finding.startswith(f"{check.id}: ")
        assert finding.isprintable()
