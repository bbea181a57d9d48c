"""The always-on rules: for every subject, by no policy removable, as far as they can be turned off by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import BOT, HUMAN, asks, found, judged, policy
from webhook.admission.request import Request, User
from webhook.admission.verdict import Action

STATIC = User("system:serviceaccount:agents:bot")
POD = {"kind": "Pod", "metadata": {"name": "x", "namespace": "agents"}}
KUBE_SYSTEM = asks("DELETE", resource="pods", namespace="kube-system", name="x")
OWN = asks("DELETE", resource="pods", namespace="kubescrow", name="x")
ALLOW_SYSTEM = {"defaults": {"kubeSystem": "Allow"}}


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (asks("CONNECT", resource="pods", subresource="exec", namespace="kubescrow", name="x"), "own-namespace"),
        (asks("CREATE", resource="serviceaccounts", subresource="token", namespace="kubescrow"), "own-namespace"),
        (asks("CONNECT", resource="services", subresource="proxy", namespace="kubescrow"), "own-namespace"),
        (asks("CREATE", resource="pods", subresource="eviction", namespace="kubescrow"), "own-namespace"),
        (asks("DELETE", resource="namespaces", name="kubescrow"), "own-namespace"),
        (asks("UPDATE", {}, resource="agentpolicies", group="kubescrow.dev", name="p"), "own-types"),
        (asks("UPDATE", {}, resource="approvals", group="kubescrow.dev", subresource="status"), "own-types"),
        (
            asks("DELETE", resource="customresourcedefinitions", group="apiextensions.k8s.io", name="x.kubescrow.dev"),
            "own-crds",
        ),
        (
            asks("UPDATE", {}, resource="apiservices", group="apiregistration.k8s.io", name="v1alpha1.kubescrow.dev"),
            "own-apiservice",
        ),
        (
            asks("DELETE", resource="clusterroles", group="rbac.authorization.k8s.io", name="kubescrow-webhook"),
            "own-rbac",
        ),
        (
            asks("DELETE", resource="flowschemas", group="flowcontrol.apiserver.k8s.io", name="kubescrow-agents"),
            "own-flow-control",
        ),
        (
            asks(
                "DELETE",
                resource="validatingwebhookconfigurations",
                group="admissionregistration.k8s.io",
                name="kubescrow-policies",
            ),
            "own-webhooks",
        ),
        (KUBE_SYSTEM, "kube-system"),
        (asks("UPDATE", {}, resource="namespaces", name="kube-system"), "kube-system"),
        (asks("CREATE", POD, user=STATIC), "unbound-token"),
    ],
)
def test_denied(request_: Request, rule: str) -> None:
    """Denied although the policy has no rule at all, with a line that says what to do instead."""
    verdict = judged(request_, policy())
    assert found(verdict) == [f"DENY kubescrow/{rule}"]
    assert "; ask a person to do it" in verdict.findings[0].message or rule in {"kube-system", "unbound-token"}


@pytest.mark.parametrize(
    "request_",
    [
        asks("CREATE", POD),
        asks("DELETE", resource="namespaces", name="prod"),
        asks("CREATE", POD, user=User("ci-1")),
    ],
)
def test_allowed(request_: Request) -> None:
    """Everything else passes."""
    assert judged(request_, policy(subjects=[{"user": "*i*"}, {"user": "system:*"}])).findings == ()


def test_humans_are_not_touched() -> None:
    """Whom no policy names may do everything, here too."""
    assert judged(asks("DELETE", resource="pods", namespace="kubescrow", user=HUMAN), policy()).action is Action.ALLOW


@pytest.mark.parametrize(
    ("request_", "specs", "finding"),
    [
        pytest.param(KUBE_SYSTEM, [ALLOW_SYSTEM], [], id="turned off"),
        pytest.param(KUBE_SYSTEM, [ALLOW_SYSTEM, {}], ["DENY kubescrow/kube-system"], id="off in one of two"),
        pytest.param(KUBE_SYSTEM, [{"mode": "Observe"}], ["ALLOW kubescrow/kube-system"], id="observed"),
        pytest.param(
            KUBE_SYSTEM,
            [{"mode": "Observe"}, ALLOW_SYSTEM],
            ["ALLOW kubescrow/kube-system"],
            id="asked for by an observing policy only",
        ),
        pytest.param(OWN, [ALLOW_SYSTEM], ["DENY kubescrow/own-namespace"], id="ours cannot be turned off"),
        pytest.param(OWN, [{"mode": "Observe"}], ["ALLOW kubescrow/own-namespace"], id="ours, all observe"),
        pytest.param(OWN, [{"mode": "Observe"}, {}], ["DENY kubescrow/own-namespace"], id="ours, one enforces"),
        pytest.param(
            asks("CREATE", POD, user=STATIC), [{"defaults": {"unboundToken": "Allow"}}], [], id="static tokens allowed"
        ),
    ],
)
def test_turned_off(request_: Request, specs: list[dict[str, Any]], finding: list[str]) -> None:
    """What has a name in defaults can be turned off, by all policies together; the rest cannot."""
    policies = [policy(name=f"p{i}", **spec) for i, spec in enumerate(specs)]
    assert found(judged(request_, *policies)) == finding


def test_impersonator_by_another_entry() -> None:
    """A ServiceAccount is one however the policy names it."""
    request = asks("CREATE", POD, user=User(BOT.username, groups=("agents",)))
    verdict = judged(request, policy(subjects=[{"group": "agents"}]))
    assert found(verdict) == ["DENY kubescrow/unbound-token"]
