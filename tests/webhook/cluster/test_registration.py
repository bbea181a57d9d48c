"""A set of policies becomes exactly these objects, and every request of an agent reaches the judge exactly once."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhook.cluster.build import ENDPOINT, account, broken, group, policies, policy, user
from tests.webhook.cluster.matching import called, request_by
from tests.webhook.cluster.test_rules import SCOPES
from webhook.admission.request import CREDENTIAL_ID, User
from webhook.checks import laundering
from webhook.checks.scope import Scope
from webhook.cluster.registration import configurations, guard_configurations
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

BOUND = {CREDENTIAL_ID: ("JTI=1",)}
BOT = User("system:serviceaccount:agents:bot", groups=("system:serviceaccounts",), extra=BOUND)
UNBOUND = User("system:serviceaccount:agents:bot")
EMPTY = User("system:serviceaccount:agents:bot", extra={CREDENTIAL_ID: ("",)})
PERSON = User("jane", groups=("sre",))
PODS = Scope(("CREATE",), ("",), ("pods",))
SERVED = {("", "pods"): "v1"}


def registered(*members: Any) -> dict[str, Any]:
    return configurations(policies(*members), endpoint=ENDPOINT, served=SERVED).policies


BOT_MAY_NOT_CREATE_PODS = registered(policy(account("agents", "*"), scopes=[PODS], laundering=False))


@pytest.mark.parametrize(
    ("request_", "webhooks"),
    [
        pytest.param(request_by(BOT), ["rules"], id="what a rule is about"),
        pytest.param(request_by(BOT, "DELETE"), [], id="what no rule is about"),
        pytest.param(request_by(PERSON), [], id="a person"),
        pytest.param(request_by(BOT, namespace="kubescrow"), ["rules"], id="not twice in our namespace"),
        pytest.param(
            request_by(BOT, "CONNECT", "pods/exec", namespace="kubescrow"), ["self"], id="exec in our namespace"
        ),
        pytest.param(
            request_by(BOT, "UPDATE", "leases", group="coordination.k8s.io", namespace="kube-system"),
            ["self"],
            id="a lease in kube-system",
        ),
        pytest.param(
            request_by(BOT, "DELETE", "namespaces", namespace="kubescrow", name="kubescrow"),
            ["self"],
            id="our namespace itself",
        ),
        pytest.param(
            request_by(BOT, "DELETE", "namespaces", namespace="", name=""), ["self"], id="a namespace without a name"
        ),
        pytest.param(
            request_by(BOT, "CREATE", "clusterrolebindings", group="rbac.authorization.k8s.io", namespace=""),
            ["self"],
            id="permissions",
        ),
        pytest.param(
            request_by(BOT, "UPDATE", "approvals/status", group="kubescrow.dev", namespace=""), ["self"], id="approvals"
        ),
        pytest.param(
            request_by(BOT, "UPDATE", "x", group="more.kubescrow.dev", namespace=""), ["self"], id="a group below ours"
        ),
        pytest.param(
            request_by(BOT, "CREATE", "subjectaccessreviews", group="authorization.k8s.io"), [], id="a review"
        ),
        pytest.param(request_by(UNBOUND, "DELETE", "secrets"), ["self"], id="anything with a credential without id"),
        pytest.param(
            request_by(PERSON, "UPDATE", "roles", group="rbac.authorization.k8s.io"), [], id="a person's permissions"
        ),
    ],
)
def test_a_request_calls(request_: Any, webhooks: list[str]) -> None:
    assert called(BOT_MAY_NOT_CREATE_PODS, request_) == [f"{name}.policy.kubescrow.dev" for name in webhooks]


LEASES = "coordination.k8s.io"
BOT_IS_WATCHED = registered(policy(account("agents", "*"), scopes=[PODS]))


@pytest.mark.parametrize(
    ("request_", "webhooks"),
    [
        pytest.param(request_by(BOT), ["rules"], id="what a rule names comes in its one version"),
        pytest.param(request_by(BOT, "UPDATE", "pods/status"), ["wildcards"], id="a subresource that no rule names"),
        pytest.param(request_by(BOT, "DELETE", "things", group="example.org"), ["wildcards"], id="what no rule names"),
        pytest.param(request_by(PERSON, "DELETE"), [], id="a person"),
        pytest.param(request_by(BOT, "CREATE", "events"), [], id="an Event is reported"),
        pytest.param(request_by(BOT, "UPDATE", "events", group="events.k8s.io"), [], id="an Event is counted up"),
        pytest.param(request_by(BOT, "DELETE", "events"), ["wildcards"], id="Events are deleted"),
        pytest.param(request_by(BOT, "CREATE", "events", namespace="kubescrow"), ["wildcards"], id="an Event at ours"),
        pytest.param(request_by(BOT, "UPDATE", "leases", group=LEASES, namespace="agents"), [], id="its own Lease"),
        pytest.param(
            request_by(BOT, "DELETE", "leases", group=LEASES, namespace="agents"),
            ["wildcards"],
            id="a Lease is deleted",
        ),
        pytest.param(
            request_by(BOT, "UPDATE", "leases", group=LEASES, namespace="agents-2"), ["wildcards"], id="another's Lease"
        ),
        pytest.param(
            request_by(UNBOUND, "UPDATE", "leases", group=LEASES, namespace="agents"),
            ["wildcards"],
            id="its own Lease, with a credential without id",
        ),
        pytest.param(
            request_by(BOT, "CREATE", "subjectaccessreviews", group="authorization.k8s.io"), [], id="a review"
        ),
        pytest.param(
            request_by(UNBOUND, "CREATE", "tokenreviews", group="authentication.k8s.io", namespace="kube-system"),
            [],
            id="a review, whoever asks",
        ),
    ],
)
def test_as_long_as_laundering_is_watched_a_request_calls(request_: Any, webhooks: list[str]) -> None:
    assert called(BOT_IS_WATCHED, request_) == [f"{name}.policy.kubescrow.dev" for name in webhooks]


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(policy(user("x"), laundering=True), id="a policy that did not turn laundering off"),
        pytest.param(broken(user("x")), id="a broken policy, of which nothing is known"),
    ],
)
def test_one_policy_is_enough_to_have_everything_delivered(member: Any) -> None:
    """Whoever may be its subject is not looked at: the selection is over all policies."""
    both = registered(policy(account("agents", "*"), scopes=[PODS], laundering=False), member)
    assert called(both, request_by(BOT, "DELETE", "things", group="example.org")) == ["wildcards.policy.kubescrow.dev"]


@pytest.mark.parametrize(
    ("scope", "is_delivered"),
    [
        pytest.param(Scope(("CREATE",), ("",), ("events",)), True, id="named"),
        pytest.param(Scope(("*",), ("events.k8s.io",), ("*",)), True, id="named by their other group"),
        pytest.param(Scope(("*",), ("*",), ("*/*",)), True, id="meant by a rule on everything"),
        pytest.param(Scope(("DELETE",), ("*",), ("*",)), False, id="a rule on deletions only"),
        pytest.param(Scope(("*",), ("apps",), ("*",)), False, id="a rule on another group"),
    ],
)
@pytest.mark.parametrize("laundering", [True, False], ids=["laundering on", "laundering off"])
def test_events_are_delivered_if_a_rule_is_about_them(scope: Scope, laundering: bool, is_delivered: bool) -> None:
    """Under both of their names, and once."""
    configuration = registered(policy(account("agents", "*"), scopes=[scope], laundering=laundering))
    for api_group in ("", "events.k8s.io"):
        calls = called(configuration, request_by(BOT, "CREATE", "events", group=api_group))
        assert len(calls) == is_delivered


AGENTS = st.sampled_from([BOT, UNBOUND, EMPTY, PERSON, User("ci-1", groups=("agents",))])
SUBJECTS = st.sampled_from([account("agents", "*"), account("*", "bot"), group("agents"), user("ci-*")])
MEMBERS = st.lists(
    st.builds(
        lambda named, scopes, laundering: policy(*named, scopes=scopes, laundering=laundering),
        st.lists(SUBJECTS, min_size=1, max_size=2),
        SCOPES,
        st.booleans(),
    ),
    max_size=3,
)
LAUNDERING = {check.id for check in laundering.CHECKS}
REQUESTS = st.builds(
    lambda caller, operation, place, resource: request_by(
        caller, operation, resource[1], group=resource[0], namespace=place, name="kubescrow-x"
    ),
    AGENTS,
    st.sampled_from(["CREATE", "UPDATE", "DELETE", "CONNECT"]),
    st.sampled_from(["", "default", "kubescrow", "kube-system"]),
    st.sampled_from(
        [
            ("", "pods"),
            ("", "pods/exec"),
            ("", "namespaces"),
            ("apps", "deployments/scale"),
            ("rbac.authorization.k8s.io", "roles"),
            ("kubescrow.dev", "approvals"),
            ("apiextensions.k8s.io", "customresourcedefinitions"),
            ("flowcontrol.apiserver.k8s.io", "flowschemas"),
            ("autoscaling", "horizontalpodautoscalers"),
            ("", "events"),
            ("events.k8s.io", "events"),
            ("coordination.k8s.io", "leases"),
        ]
    ),
)


@settings(max_examples=300)
@given(MEMBERS, REQUESTS)
def test_a_request_is_judged_once_if_any_rule_is_about_it(members: list[Any], request_: Any) -> None:
    """Two calls would be two claims of one approval; no call would be a way past the always-on rules.

    Nobody waits for the answer about an Event: what laundering finds in one is not worth a call.
    """
    policy_set = policies(*members)
    calls = called(configurations(policy_set, endpoint=ENDPOINT, served=SERVED).policies, request_)
    naming = [one for one in policy_set.policies if one.names(request_.user)]
    findings = evaluate(request_, policy_set, protected=Protected()).findings
    is_stopped = any(finding.rule not in LAUNDERING or not _is_event(request_) for finding in findings)
    is_covered = any(scope.covers(request_) for one in naming for scope in one.scopes)
    assert len(calls) <= 1
    assert calls or not (is_stopped or is_covered)


def _is_event(asked: Any) -> bool:
    return asked.resource.resource == "events" and asked.operation.value in {"CREATE", "UPDATE"}


def test_without_policies_nothing_is_registered_but_the_guards_stand() -> None:
    """Nobody is an agent, so nobody is sent to us; approvals stay guarded."""
    wanted = configurations(policies(), endpoint=ENDPOINT, served={})
    assert wanted.policies["webhooks"] == []
    assert [len(guard["webhooks"]) for guard in wanted.guards] == [2, 1]


def test_a_broken_policy_has_everything_delivered() -> None:
    """It denies its subjects whatever they ask."""
    assert called(registered(broken(user("jane"))), request_by(PERSON, "DELETE", "secrets")) == [
        "wildcards.policy.kubescrow.dev"
    ]


def test_selections_too_long_for_one_webhook_become_several_that_do_not_overlap() -> None:
    """A caller whom two of them select is sent by the first."""
    many = [user(f"{'x' * 200}{number}") for number in range(400)]
    configuration = registered(policy(*many, group("agents"), scopes=[PODS]))
    names = [webhook["name"].partition(".")[0] for webhook in configuration["webhooks"]]
    assert names == ["rules", "wildcards", "rules-2", "wildcards-2"]
    assert len(json.dumps(configuration)) < 1.5 * 2**20
    both = User(f"{'x' * 200}0", groups=("agents",))
    assert called(configuration, request_by(both)) == ["rules.policy.kubescrow.dev"]
    assert called(configuration, request_by(User("y", groups=("agents",)))) != []


def test_the_judge_is_called_at_the_secret_path_with_the_revision() -> None:
    """A replica sees by the path whether it has loaded the policies that the API server was configured for."""
    addresses = [webhook["clientConfig"]["service"] for webhook in BOT_MAY_NOT_CREATE_PODS["webhooks"]]
    assert {address["path"] for address in addresses} == {"/5ec2e7/policies/r1"}
    assert addresses[0] == {**addresses[0], "namespace": "kubescrow", "name": "kubescrow-webhook", "port": 443}


def test_nothing_that_an_agent_writes_narrows_what_is_delivered() -> None:
    """No selector on labels, all versions of a named resource, and closed when we are down."""
    for webhook in BOT_MAY_NOT_CREATE_PODS["webhooks"]:
        assert (webhook["namespaceSelector"], webhook["objectSelector"]) == ({}, {})
        assert (webhook["matchPolicy"], webhook["failurePolicy"]) == ("Equivalent", "Fail")


@pytest.mark.parametrize(
    ("index", "name", "behaviour"),
    [
        pytest.param((0, 0), "approvals", ("Fail", "None"), id="approvals are closed to everybody while we are down"),
        pytest.param((0, 1), "policies", ("Ignore", "None"), id="people can mend policies while we are down"),
        pytest.param((1, 0), "decisions", ("Fail", "NoneOnDryRun"), id="no annotation becomes a decision without us"),
    ],
)
def test_a_guard_has(index: tuple[int, int], name: str, behaviour: tuple[str, str]) -> None:
    webhook = guard_configurations(ENDPOINT)[index[0]]["webhooks"][index[1]]
    assert webhook["name"] == f"{name}.guard.kubescrow.dev"
    assert (webhook["failurePolicy"], webhook["sideEffects"]) == behaviour
    assert "matchConditions" not in webhook


def test_no_repr_shows_the_secret_of_the_path() -> None:
    """Neither of the endpoint nor of what is registered: both may land in a log."""
    wanted = configurations(policies(policy(user("x"))), endpoint=ENDPOINT, served={})
    assert not any(secret in repr(wanted) + repr(ENDPOINT) for secret in ENDPOINT.paths.values())
