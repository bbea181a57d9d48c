"""Scopes become rules that the API server accepts and that deliver no less."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.cluster.matching import holds, request_by, wire
from webhook.admission.request import User
from webhook.checks.scope import Scope
from webhook.cluster.rules import OPERATIONS, delivered, exclusions, rules_of
from webhook.cluster.selection import CONDITION_LIMIT

SERVED = {
    ("", "pods"): "v1",
    ("", "pods/exec"): "v1",
    ("apps", "deployments"): "v1",
    ("autoscaling", "horizontalpodautoscalers"): "v2",
}
AGENT = User("agent")


def rule(operations: list[str], groups: list[str], version: str, resources: list[str]) -> dict[str, Any]:
    return {
        "operations": operations,
        "apiGroups": groups,
        "apiVersions": [version],
        "resources": resources,
        "scope": "*",
    }


@pytest.mark.parametrize(
    ("scopes", "rules"),
    [
        pytest.param([], [], id="no scope, no rule"),
        pytest.param(
            [Scope(("CREATE",), ("autoscaling",), ("horizontalpodautoscalers",))],
            [rule(["CREATE"], ["autoscaling"], "v2", ["horizontalpodautoscalers"])],
            id="a named resource has the one preferred version",
        ),
        pytest.param(
            [Scope(("CREATE",), ("example.org",), ("things",))],
            [rule(["CREATE"], ["example.org"], "*", ["things"])],
            id="what is not served has all versions, whichever comes",
        ),
        pytest.param(
            [Scope(("*",), ("*",), ("*/*",))],
            [rule(list(OPERATIONS), ["*"], "*", ["*/*"])],
            id="everything",
        ),
        pytest.param(
            [Scope(("UPDATE",), ("", "apps"), ("pods", "pods/exec")), Scope(("CREATE",), ("",), ("pods",))],
            [
                rule(["CREATE", "UPDATE"], [""], "v1", ["pods"]),
                rule(["UPDATE"], ["apps"], "*", ["pods", "pods/exec"]),
                rule(["UPDATE"], [""], "v1", ["pods/exec"]),
            ],
            id="operations of one resource are united",
        ),
        pytest.param(
            [Scope(("DELETE",), ("*",), ("*",)), Scope(("DELETE",), ("apps",), ("deployments",))],
            [rule(["DELETE"], ["*"], "*", ["*"]), rule(["DELETE"], ["apps"], "v1", ["deployments"])],
            id="a wildcard stands beside names of other groups",
        ),
        pytest.param(
            [Scope(("DELETE",), ("",), ("pods/*", "pods", "pods/exec"))],
            [rule(["DELETE"], [""], "v1", ["pods/*"])],
            id="what a wildcard covers is left out, or the API server refuses the rule",
        ),
        pytest.param([Scope(("GET", "IMPERSONATE"), ("",), ("secrets",))], [], id="reads never reach admission"),
    ],
)
def test_scopes_become_rules(scopes: list[Scope], rules: list[dict[str, Any]]) -> None:
    assert rules_of(scopes, SERVED) == rules


@pytest.mark.parametrize(
    ("scope", "leases_are_delivered"),
    [
        pytest.param(Scope(("*",), ("*",), ("*/*",)), False, id="a wildcard does not"),
        pytest.param(Scope(("*",), ("*",), ("leases",)), True, id="a rule that names leases does"),
        pytest.param(Scope(("*",), ("coordination.k8s.io",), ("*",)), True, id="so does one that names their group"),
    ],
)
def test_delivers_leases_of_the_own_namespace(scope: Scope, leases_are_delivered: bool) -> None:
    account = User("system:serviceaccount:default:bot")
    lease = wire(request_by(account, "UPDATE", "leases", group="coordination.k8s.io", namespace="default"))
    assert all(holds(condition["expression"], lease) for condition in exclusions([scope])) is leases_are_delivered


@pytest.mark.parametrize(
    ("caller", "namespace"),
    [
        pytest.param(User("system:serviceaccount:default:bot"), "default-2", id="a namespace that begins like its own"),
        pytest.param(User("system:serviceaccount:default:bot"), "bot", id="one named as the account"),
        pytest.param(AGENT, "default", id="a user, who has no namespace"),
        pytest.param(User("system:serviceaccount:default"), "default", id="half the name of an account"),
    ],
)
def test_a_lease_that_is_not_its_own_is_delivered(caller: User, namespace: str) -> None:
    """To take it is to take over what its holder does."""
    lease = wire(request_by(caller, "UPDATE", "leases", group="coordination.k8s.io", namespace=namespace))
    assert all(holds(condition["expression"], lease) for condition in exclusions([]))


def test_reviews_are_never_delivered() -> None:
    """Not even to a rule that names them: they are questions, not objects."""
    review = wire(request_by(AGENT, "CREATE", "subjectaccessreviews", group="authorization.k8s.io"))
    named = Scope(("CREATE",), ("authorization.k8s.io",), ("subjectaccessreviews",))
    assert not all(holds(condition["expression"], review) for condition in exclusions([named]))


OPERATION = st.sampled_from(OPERATIONS)
GROUP = st.sampled_from(["", "apps"])
RESOURCE = st.sampled_from(["pods", "pods/exec", "deployments", "deployments/scale"])
PATTERN = st.sampled_from(["*", "*/*", "pods", "pods/exec", "pods/*", "*/scale", "deployments"])
SCOPES = st.lists(
    st.builds(
        Scope.of,
        st.lists(OPERATION | st.just("*"), min_size=1, max_size=2),
        st.lists(GROUP | st.just("*"), min_size=1, max_size=2),
        st.lists(PATTERN, min_size=1, max_size=3),
    ),
    max_size=3,
)


@given(SCOPES, OPERATION, GROUP, RESOURCE)
def test_rules_deliver_what_the_scopes_ask_for_and_their_cel_says_the_same(
    scopes: list[Scope], operation: str, group: str, resource: str
) -> None:
    """What `delivered` leaves to the rules, the rules really deliver, or the always-on rules would miss it."""
    request = request_by(AGENT, operation, resource, group=group)
    rules = rules_of(scopes, SERVED)
    wanted = any(scope.covers(request) for scope in scopes)
    by_rules = [Scope(tuple(r["operations"]), tuple(r["apiGroups"]), tuple(r["resources"])) for r in rules]
    assert any(scope.covers(request) for scope in by_rules) == wanted
    assert any(holds(text, wire(request)) for text in delivered(rules)) == wanted


def test_an_old_version_is_delivered_by_the_rule_on_the_served_one() -> None:
    """The API server converts it, so nothing else may deliver it as well."""
    rules = rules_of([Scope(("CREATE",), ("autoscaling",), ("horizontalpodautoscalers",))], SERVED)
    old = request_by(AGENT, "CREATE", "horizontalpodautoscalers", group="autoscaling", version="v1")
    assert [holds(text, wire(old)) for text in delivered(rules)] == [True]


def test_more_rules_than_one_condition_holds_become_several() -> None:
    """None is left out, or what it delivers would be delivered twice."""
    groups = [f"{'x' * 200}{number}.example.org" for number in range(600)]
    texts = delivered([rule(["DELETE"], groups, "v1", ["things"]), rule(["CREATE"], [""], "v1", groups)])
    assert len(texts) > 1
    assert all(len(text) <= CONDITION_LIMIT for text in texts)
    for api_group in (groups[0], groups[-1]):
        thing = wire(request_by(AGENT, "DELETE", "things", group=api_group))
        assert [holds(text, thing) for text in texts].count(True) == 1
        assert any(holds(text, wire(request_by(AGENT, "CREATE", api_group))) for text in texts)
