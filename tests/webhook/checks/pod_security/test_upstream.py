"""Our checks and Kubernetes' own controls agree, control by control, on whatever the API server can store."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.webhook.checks.pod_security.pods import PODS, with_one_setting
from tests.webhook.checks.pod_security.upstream import CONTROLS, Upstream, named_by_kubernetes
from tests.webhook.policy.language import asks
from webhook.checks.inspection import Inspection
from webhook.checks.pod_security import BASELINE, CHECKS, RESTRICTED


def forbidden(pod: dict[str, Any]) -> set[str]:
    """Kubernetes' names of the controls whose checks find something."""
    inspection = Inspection(asks("CREATE", pod))
    return named_by_kubernetes(check.id for check in CHECKS if check.findings(inspection))


def test_every_control_is_a_check(upstream: Upstream) -> None:
    """And nothing else is one."""
    assert {check.id for check in CHECKS} == set(CONTROLS)
    assert {control["id"] for control in upstream.controls} == set(CONTROLS.values())


@pytest.mark.parametrize(("bundle", "level"), [(BASELINE, "baseline"), (RESTRICTED, "restricted")])
def test_bundle(upstream: Upstream, bundle: tuple[Any, ...], level: str) -> None:
    """A bundle holds what the profile holds; Restricted leaves out what it says more strictly."""
    assert named_by_kubernetes(check.id for check in bundle) == upstream.profile(level)


def test_every_value_of_every_field(upstream: Upstream) -> None:
    """One setting a Pod, so that a difference names itself."""
    pods = list(with_one_setting())
    assert len(pods) > 500
    differences = [
        (pod["spec"], pod["metadata"], ours ^ theirs)
        for pod in pods
        if (ours := forbidden(pod)) != (theirs := upstream.forbids(pod))
    ]
    assert differences == []


@settings(max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(PODS)
def test_any_mixture(upstream: Upstream, pod: dict[str, Any]) -> None:
    """Settings that hide or relax each other: the Pod's and the container's, users, operating system."""
    assert forbidden(pod) == upstream.forbids(pod)
