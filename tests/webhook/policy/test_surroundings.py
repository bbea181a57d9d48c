"""What expressions see beside the request: the Namespace that the object lies in, and the params of their policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import HUMAN, POD, asks, found, judged, policy, rule
from webhook.admission.request import Request
from webhook.admission.verdict import Action, Verdict
from webhook.policy.compile import BrokenPolicy, compile_set, policy_outcome
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected
from webhook.policy.variables import PARAMS_LIMIT_BYTES, REQUEST_LIMIT_S, Budget, Variables

PROD = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "agents", "labels": {"env": "prod"}}}
IN_PROD = "namespaceObject.metadata.labels.env == 'prod'"
CREATE = asks("CREATE", POD)


def judged_in(namespace: Any, request: Request, *policies: dict[str, Any]) -> Verdict:
    return evaluate(request, compile_set(policies), protected=Protected(), namespace=namespace)


@pytest.mark.parametrize(("env", "action"), [("prod", Action.DENY), ("dev", Action.ALLOW)])
def test_labels_of_the_namespace_decide(env: str, action: Action) -> None:
    """As in ValidatingAdmissionPolicy."""
    namespace = {"metadata": {"labels": {"env": env}}}
    assert judged_in(namespace, CREATE, policy(rule(condition=IN_PROD))).action is action


@pytest.mark.parametrize("failure_policy", ["Fail", "Ignore"])
def test_a_namespace_that_is_not_known_denies(failure_policy: str) -> None:
    """Whatever failurePolicy says: not knowing never lets through; `!` and `null` do not get around it."""
    for condition in (IN_PROD, f"!({IN_PROD})", "namespaceObject == null", "false && namespaceObject != null"):
        verdict = judged_in(None, CREATE, policy(rule(condition=condition), failurePolicy=failure_policy))
        assert verdict.action is Action.DENY, condition
        assert "the Namespace that the object lies in is not known" in verdict.findings[0].message


@pytest.mark.parametrize("kind", ["Node", "Namespace"])
def test_outside_of_namespaces_it_is_null(kind: str) -> None:
    """Also for a Namespace itself, whose requests carry its own name."""
    obj = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}
    request = asks("CREATE", obj, namespace="x" if kind == "Namespace" else "")
    assert found(judged_in(None, request, policy(rule(condition="namespaceObject == null")))) == ["DENY p/r"]


@pytest.mark.parametrize(
    ("fields", "user_is_agent", "needed"),
    [
        ({"condition": IN_PROD}, True, True),
        ({"message": "'in ' + namespaceObject.metadata.name"}, True, True),
        ({"condition": IN_PROD}, False, False),
        ({"condition": IN_PROD, "match": {"resources": ["secrets"]}}, True, False),
        ({"condition": "'namespaceObject' == request.name"}, True, False),
        ({"condition": "[1].all(namespaceObject, namespaceObject == 1)"}, True, False),
    ],
)
def test_it_is_read_only_for_whom_needs_it(fields: dict[str, Any], user_is_agent: bool, needed: bool) -> None:
    """A request to the API server for each judged request would cost more than all the rest."""
    request = asks("CREATE", POD) if user_is_agent else asks("CREATE", POD, user=HUMAN)
    assert compile_set([policy(rule(**fields))]).needs_namespace(request) is needed


def test_each_policy_has_its_own_params() -> None:
    """The same expression, other lists."""
    condition = "object.metadata.name in params.names"
    one = policy(rule(condition=condition), name="one", params={"names": ["web"]})
    other = policy(rule(condition=condition), name="other", params={"names": ["db"]})
    assert found(judged(CREATE, one, other)) == ["DENY one/r"]


def test_without_params_a_field_of_them_is_missing() -> None:
    """A finding, not an exception; and failurePolicy decides."""
    verdict = judged(CREATE, policy(rule(condition="params.names.size() > 0")))
    assert "a field that it reads is missing" in verdict.findings[0].message
    assert judged(CREATE, policy(rule(condition="has(params.names)"))).action is Action.ALLOW


@pytest.mark.parametrize(
    "params",
    [{"a": 2**64}, {"a": "nul \0"}, {"a": "half \ud800"}, {"a": "x" * PARAMS_LIMIT_BYTES}],
    ids=["large number", "NUL", "surrogate", "size"],
)
def test_params_that_no_expression_can_read_are_refused(params: dict[str, Any]) -> None:
    """When they are applied; else every request would be denied."""
    broken = policy_outcome(policy(rule(condition="true"), params=params))
    assert isinstance(broken, BrokenPolicy)
    assert str(broken.problems[0]).startswith(
        "spec.params: a value that no expression can read is not allowed; use JSON of"
    )


def test_several_forms_of_one_request_share_its_time() -> None:
    """A Mutate writes in passes: each sees another object, and none of them begins anew."""
    now = [0.0]
    budget = Budget(lambda: now[0])
    first = Variables.of(asks("CREATE", {}), budget=budget)
    assert not first.is_out_of_time()
    now[0] = 2 * REQUEST_LIMIT_S
    assert Variables.of(asks("CREATE", {"a": 1}), budget=budget).is_out_of_time()
