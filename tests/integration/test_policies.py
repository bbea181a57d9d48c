"""Policies on a real API server: what is refused at apply, and that a condition reads what really arrives."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold

NAMESPACE = "policies"
CALLS = "apiserver_admission_webhook_request_total"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: policies}
spec:
  replicas: 0
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: api, image: "example.invalid/api:1"}]}
"""
IMAGES = "spec.template.spec.containers.map(c, c.image)"


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent that asks before it changes an image in this namespace."""
    story = begin(kubescrow, NAMESPACE)
    rule = hold("hold-images", operations=["UPDATE"], groups=["apps"], resources=["deployments"], wait="0s")
    rule["match"]["namespaces"] = [NAMESPACE]
    rule["condition"] = f"object.{IMAGES} != oldObject.{IMAGES}"
    rule["message"] = "'new image in ' + request.namespace"
    deny = rule | {
        "name": "deny-latest",
        "action": "Deny",
        "condition": f"object.{IMAGES}.exists(i, i.endsWith(':latest'))",
    }
    del deny["hold"]
    story.policy(rule, deny)
    story.cluster.admin.apply(DEPLOYMENT)
    story.cluster.admin.apply(DEPLOYMENT.replace("policies", "default"))
    return story


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        pytest.param(
            {"action": "Deny", "condition": "object.spec.replicas >"},
            'spec.rules[0].condition: "object.spec.replicas >" is not allowed; use a CEL expression',
            id="a condition that is no CEL",
        ),
        pytest.param(
            {"action": "Deny", "condition": "1 + 1"},
            'spec.rules[0].condition: "1 + 1" is not allowed; use a CEL expression that answers with a bool',
            id="a condition that is not true or false",
        ),
        pytest.param(
            {"action": "Deny", "check": "priviledged-containers"},
            "privileged-containers",
            id="a check that does not exist",
        ),
        pytest.param({"action": "Dney"}, '"Deny", "Hold"', id="a typing error in an action"),
        pytest.param(
            {"action": "Deny", "conditions": "true"}, 'unknown field "spec.rules[0].conditions"', id="an unknown field"
        ),
        pytest.param(
            {"action": "Deny", "hold": {}}, "hold is used with action Hold only", id="a hold that holds nothing"
        ),
        pytest.param(
            {"action": "Hold", "hold": {"wait": "2h", "decideWithin": "1h"}},
            "spec.rules[0].hold.wait",
            id="a wait beyond the decision's time",
        ),
    ],
)
def test_a_policy_that_cannot_work_is_refused_when_it_is_applied(
    story: Story, rule: dict[str, object], said: str
) -> None:
    """The author reads the field, what was found, and what is allowed."""
    spec = {"subjects": [{"user": "ci-*"}], "rules": [{"name": "r", **rule}]}
    policy = {"apiVersion": "kubescrow.dev/v1alpha1", "kind": "AgentPolicy", "metadata": {"name": "bad"}, "spec": spec}
    refusal = story.cluster.admin.fails("apply", "-f", "-", stdin=yaml.safe_dump(policy))
    assert said in refusal, refusal


def test_every_mistake_of_a_policy_is_told_at_once(story: Story) -> None:
    """Not one a try."""
    rules = [{"name": f"r{i}", "action": "Deny", "condition": f"nonsense({i}"} for i in range(3)]
    spec = {"subjects": [{"user": "ci-*"}], "rules": rules}
    policy = {"apiVersion": "kubescrow.dev/v1alpha1", "kind": "AgentPolicy", "metadata": {"name": "bad"}, "spec": spec}
    refusal = story.cluster.admin.fails("apply", "-f", "-", stdin=json.dumps(policy))
    assert all(f"spec.rules[{i}].condition" in refusal for i in range(3)), refusal


def test_a_condition_holds_what_it_is_about(story: Story) -> None:
    """A new image in this namespace is held, and the approver sees it."""
    command = ("set", "image", "deployment/api", "api=example.invalid/api:2", "-n", NAMESPACE)
    name = story.asks(*command)
    assert "example.invalid/api:2" in story.cluster.admin.json("get", "approval", name)["spec"]["change"]
    story.approve(name)
    assert "updated" in story.agent.ok(*command)


def test_a_denial_shows_what_would_have_been_held_too(story: Story) -> None:
    """Deny beats Hold, and every finding is in the answer, the author's message among them."""
    refusal = story.agent.fails("set", "image", "deployment/api", "api=example.invalid/api:latest", "-n", NAMESPACE)
    assert "policies/deny-latest: new image in policies; policies/hold-images: new image in policies" in refusal


def test_a_condition_lets_pass_what_it_is_not_about(story: Story) -> None:
    """The same Deployment with other replicas, another label, or in another namespace."""
    story.agent.ok("scale", "deployment/api", "--replicas=0", "-n", NAMESPACE)
    story.agent.ok("label", "deployment/api", "a=b", "-n", NAMESPACE)
    story.agent.ok("set", "image", "deployment/api", "api=example.invalid/api:2", "-n", "default")


def calls(story: Story) -> float:
    """How often the API server has called the judge of policies."""
    return sum(value for labels, value in story.cluster.metrics(CALLS) if ".policy.kubescrow.dev" in labels["name"])


def test_whoever_no_policy_names_never_reaches_us(story: Story) -> None:
    """People, other ServiceAccounts, controllers: the API server itself keeps them away; reads reach nobody."""
    other = story.cluster.service_account("policies-other", "bot")
    story.cluster.admin.ok("create", "clusterrolebinding", "policies-other", "--clusterrole=cluster-admin",
                           "--serviceaccount=policies-other:bot")  # fmt: skip
    wait_until(lambda: "yes" in other.run("auth", "can-i", "*", "*").stdout, what="the other ServiceAccount may")
    before = calls(story)
    for who in (story.cluster.admin, other):
        who.ok("set", "image", "deployment/api", f"api=example.invalid/{id(who)}", "-n", NAMESPACE)
    story.agent.ok("get", "deployments", "-n", NAMESPACE)
    assert calls(story) == before
    story.agent.ok("label", "deployment/api", "c=d", "-n", NAMESPACE)
    assert calls(story) == before + 1
