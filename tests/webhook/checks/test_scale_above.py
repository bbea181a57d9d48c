"""No number of Pods rises above the limit, in whatever form it is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import asks, judged, policy, rule
from webhook.admission.verdict import Action
from webhook.checks.inspection import Inspection
from webhook.checks.scale_above import CHECK, Limit

NUMBERS = st.integers(0, 10) | st.none()
TARGETS = st.sampled_from(["web", "api"])


def deployment(replicas: Any, api: str = "apps/v1", kind: str = "Deployment") -> dict[str, Any]:
    """Write what has replicas."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": replicas}}  # fmt: skip


def autoscaler(least: Any, most: Any, target: str = "web") -> dict[str, Any]:
    """Write an autoscaler."""
    spec = {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": {"kind": "Deployment", "name": target}}
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": spec}


def found(new: Any, old: Any = None, limit: int = 5, **more: Any) -> tuple[str, ...]:
    """The findings for a CREATE, or an UPDATE of what was there."""
    request = asks("UPDATE" if old else "CREATE", new, old=old, **more)
    return CHECK.findings(Inspection(request, parameters=Limit(replicas=limit)))


@given(NUMBERS, NUMBERS, st.integers(0, 10))
def test_only_what_rises_is_found(new: int | None, old: int | None, limit: int) -> None:
    """Exactly if the new number is above both the limit and the old number."""
    expected = new is not None and new > limit and new > (old or 0)
    assert bool(found(deployment(new), deployment(old), limit)) is expected


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, TARGETS)
def test_both_numbers_of_an_autoscaler(least: Any, most: Any, old_least: Any, old_most: Any, target: str) -> None:
    """Each against its own old one, as long as the target is the same."""
    findings = found(autoscaler(least, most, target), autoscaler(old_least, old_most))
    same = target == "web"
    rising = [(most or 0) > max(5, (old_most or 0) * same), (least or 0) > max(5, (old_least or 0) * same)]
    assert len(findings) == sum(rising)


@pytest.mark.parametrize("value", ["50", True, [], {}])
def test_what_is_no_number_is_refused(value: Any) -> None:
    """It cannot be compared."""
    [said] = found(deployment(value))
    assert "make it a whole number up to 5" in said


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ({**deployment(1), "spec": "x"}, 'scale-above: spec is "x"; make it an object'),
        ({**deployment(5.5)}, "scale-above: spec.replicas=5.5 is above 5; set at most 5"),
        ({**deployment(10**30)}, "scale-above: spec.replicas=a value of type int is above 5; set at most 5"),
    ],
)
def test_odd_forms(new: Any, says: str) -> None:
    """They are said, not overlooked."""
    assert found(new) == (says,)


def test_a_missing_object_is_refused() -> None:
    """No object, no judgement."""
    assert found(None, deployment(1), resource="deployments") == ("scale-above: the Deployment is missing; send one",)


def test_without_parameters_nothing_may_run() -> None:
    """A check that was not told its limit does not guess one."""
    assert CHECK.findings(Inspection(asks("CREATE", deployment(1)))) != ()


def test_a_custom_resource_is_judged_where_the_rule_names_it() -> None:
    """Its `scale` always; its own replicas when `match` says so, as nothing else tells where they are."""
    rollout = deployment(50, "example.com/v1", "Rollout")
    by_itself = rule(check="scale-above", parameters={"replicas": 5})
    named = {**by_itself, "match": {"apiGroups": ["example.com"], "resources": ["rollouts"]}}
    assert judged(asks("CREATE", rollout), policy(by_itself)).action is Action.ALLOW
    assert judged(asks("CREATE", rollout), policy(named)).action is Action.DENY
    scale = deployment(50, "autoscaling/v1", "Scale")
    request = asks("UPDATE", scale, resource="rollouts", subresource="scale", group="example.com", old=scale)
    assert judged(request, policy(by_itself)).action is Action.ALLOW
    request = asks("UPDATE", scale, resource="rollouts", subresource="scale", group="example.com", old={})
    assert judged(request, policy(by_itself)).action is Action.DENY


@pytest.mark.parametrize("subresource", ["status", "exec", "rollback"])
def test_other_subresources_change_no_number(subresource: str) -> None:
    """Also where a rule brings them here."""
    assert found(deployment(50), deployment(1), subresource=subresource) == ()
