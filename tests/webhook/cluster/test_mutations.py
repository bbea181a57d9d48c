"""Mutate rules become a mutating configuration, and whatever it leaves out is not judged by what was not written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhook.cluster.build import ENDPOINT
from tests.webhook.cluster.matching import called, request_by
from tests.webhook.cluster.test_registration import BOT, PERSON, REQUESTS, UNBOUND
from tests.webhook.policy.language import policy
from webhook.cluster.registration import Registration, configurations
from webhook.policy.compile import compile_set

SERVED = {("", "pods"): "v1", ("apps", "deployments/scale"): "v1"}


def writes(*resources: str, operations: tuple[str, ...] = ("CREATE", "UPDATE"), **match: Any) -> dict[str, Any]:
    match = {"operations": list(operations), "resources": list(resources), **match}
    return {"name": "r", "action": "Mutate", "match": match, "set": {"spec.x": 1}}


def denies(*resources: str) -> dict[str, Any]:
    return {"name": "d", "action": "Deny", "match": {"resources": list(resources)}}


def registered(*written: dict[str, Any]) -> Registration:
    compiled = compile_set(written)
    assert not compiled.broken
    return configurations(compiled, endpoint=ENDPOINT, served=SERVED)


LEASES: dict[str, Any] = {"group": "coordination.k8s.io", "namespace": "agents"}
PODS = registered(policy(writes("pods", apiGroups=[""])))
ALL = registered(policy(writes("*", "deployments/scale")))
ALL_AND_LEASES = registered(policy(writes("*")), policy(denies("leases"), name="q"))


@pytest.mark.parametrize(
    ("wanted", "request_", "webhooks"),
    [
        pytest.param(PODS, request_by(BOT), ["rules"], id="what a rule names"),
        pytest.param(PODS, request_by(BOT, "DELETE"), [], id="a deletion"),
        pytest.param(PODS, request_by(BOT, "UPDATE", "pods/status"), [], id="a subresource that it does not name"),
        pytest.param(PODS, request_by(PERSON), [], id="a person"),
        pytest.param(PODS, request_by(BOT, resource="secrets"), [], id="what no rule is about"),
        pytest.param(ALL, request_by(BOT, resource="secrets"), ["wildcards"], id="what a wildcard means"),
        pytest.param(
            ALL, request_by(BOT, "UPDATE", "deployments/scale", group="apps"), ["wildcards"], id="a subresource by name"
        ),
        pytest.param(ALL, request_by(BOT, "UPDATE", "leases", **LEASES), [], id="its own Lease, judged by nobody"),
        pytest.param(
            ALL_AND_LEASES, request_by(BOT, "UPDATE", "leases", **LEASES), ["wildcards"], id="judged by another policy"
        ),
        pytest.param(
            ALL, request_by(UNBOUND, "UPDATE", "leases", **LEASES), ["wildcards"], id="judged by the always-on rules"
        ),
    ],
)
def test_a_request_is_brought_to_be_written(wanted: Registration, request_: Any, webhooks: list[str]) -> None:
    assert called(wanted.mutations, request_) == [f"{name}.mutation.kubescrow.dev" for name in webhooks]


def test_no_mutate_rule_no_webhook() -> None:
    """Policies that write nothing, or write for other subjects, cost nobody a call."""
    assert registered(policy(denies("pods"))).mutations["webhooks"] == []
    others = registered(policy(writes("pods"), subjects=[{"user": "x"}]), policy(denies("*"), name="q"))
    assert called(others.mutations, request_by(BOT)) == []
    assert called(others.policies, request_by(BOT)) != []


def test_the_webhook_is_closed_called_again_and_has_no_effects() -> None:
    """When we are down agents are refused; who writes after us is written over; a dry run is written like the rest.

    Labels, which agents write, narrow nothing, also where the rule selects by them.
    """
    selecting = writes("pods", apiGroups=[""], namespaceSelector={"matchLabels": {"a": "b"}})
    selecting["match"]["objectSelector"] = {"matchLabels": {"a": "b"}}
    (webhook,) = registered(policy(selecting)).mutations["webhooks"]
    assert webhook["clientConfig"]["service"]["path"].startswith("/5ec2e7/mutations/")
    assert webhook["rules"] == PODS.mutations["webhooks"][0]["rules"]
    assert {key: webhook[key] for key in ("failurePolicy", "reinvocationPolicy", "sideEffects", "matchPolicy")} == {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "IfNeeded",
        "sideEffects": "None",
        "matchPolicy": "Equivalent",
    }
    assert (webhook["namespaceSelector"], webhook["objectSelector"]) == ({}, {})


def test_the_same_policies_in_any_order_are_the_same_configuration() -> None:
    one, other = policy(writes("pods")), policy(writes("secrets", "*"), name="q")
    assert registered(one, other).mutations == registered(other, one).mutations


PATTERNS = st.lists(
    st.sampled_from(["pods", "leases", "events", "deployments/scale", "*", "*/scale"]), min_size=1, max_size=2
)
GROUPS = st.sampled_from([["*"], [""], ["apps"], ["coordination.k8s.io", "events.k8s.io"]])
RULES = st.builds(
    lambda patterns, groups, operations: writes(*patterns, operations=operations, apiGroups=groups),
    PATTERNS, GROUPS, st.sampled_from([("CREATE",), ("UPDATE",), ("CREATE", "UPDATE")]),
)  # fmt: skip
POLICIES = st.lists(
    st.builds(
        lambda rule, laundering, subject: policy(rule, subjects=[subject], defaults={"laundering": laundering}),
        RULES | st.builds(lambda patterns: denies(*patterns), PATTERNS),
        st.sampled_from(["Allow", "Deny"]),
        st.sampled_from([{"group": "agents"}, {"user": "ci-*"}, {"serviceAccount": {"namespace": "*", "name": "bot"}}]),
    ),
    max_size=3,
)


@settings(max_examples=300)
@given(POLICIES, REQUESTS)
def test_what_is_judged_was_written_once_before(written: list[dict[str, Any]], request_: Any) -> None:
    """Else a value that nobody wrote would be denied as one that did not stand."""
    named = [{**one, "metadata": {"name": f"p{n}"}} for n, one in enumerate(written)]
    compiled = compile_set(named)
    wanted = configurations(compiled, endpoint=ENDPOINT, served=SERVED)
    is_meant = any(
        policy.names(request_.user) and policy.mutates(request_.operation) and rule.covers(request_)
        for policy in compiled.policies
        for rule in policy.mutations
    )
    calls = called(wanted.mutations, request_)
    assert len(calls) <= 1
    assert calls or not (is_meant and called(wanted.policies, request_))
