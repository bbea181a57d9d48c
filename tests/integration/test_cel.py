"""Expressions on a real API server: the Namespace as it is, params, Kubernetes' functions, and what is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import yaml

from tests.installation import Installation
from tests.integration.story import Story, begin

NAMESPACE = "cel"
RULES = [
    {
        "name": "memory-in-prod",
        "action": "Deny",
        "match": {"operations": ["CREATE"], "resources": ["pods"]},
        "condition": "namespaceObject.metadata.labels[?'env'].orValue('') == 'prod'"
        " && object.spec.containers.exists(c, quantity(c.resources.requests.memory)"
        ".isGreaterThan(quantity(params.memory)))",
        "message": "'more than ' + params.memory + ' in ' + namespaceObject.metadata.name",
    },
    {
        "name": "registries",
        "action": "Deny",
        "match": {"operations": ["CREATE"], "resources": ["pods"]},
        "condition": "!object.spec.containers.all(c, params.registries.exists(r, c.image.startsWith(r)))",
    },
]
PARAMS = {"memory": "1Gi", "registries": ["registry.example/"]}


def pod(name: str, *, memory: str = "64Mi", image: str = "registry.example/web:1") -> str:
    containers = [{"name": "c", "image": image, "resources": {"requests": {"memory": memory}}}]
    metadata = {"name": name, "namespace": NAMESPACE}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}})


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose Pods may ask for as much memory as the params say, where the Namespace is prod."""
    story = begin(kubescrow, NAMESPACE)
    story.policy(*RULES, params=PARAMS)
    return story


def label(story: Story, env: str) -> None:
    story.cluster.admin.ok("label", "namespace", NAMESPACE, f"env={env}", "--overwrite")


def test_quantities_are_compared_where_the_namespace_says_so(story: Story) -> None:
    """2048Mi is more than 1Gi, 1024Mi is not; and a label that was changed counts at once."""
    label(story, "prod")
    refusal = story.agent.fails("create", "-f", "-", stdin=pod("large", memory="2048Mi"))
    assert "cel/memory-in-prod: more than 1Gi in cel" in refusal
    story.agent.ok("create", "-f", "-", stdin=pod("exact", memory="1024Mi"))
    label(story, "dev")
    story.agent.ok("create", "-f", "-", stdin=pod("large", memory="2048Mi"))
    label(story, "prod")
    assert "cel/memory-in-prod" in story.agent.fails("create", "-f", "-", stdin=pod("again", memory="2048Mi"))


def test_params_say_which_registries_are_allowed(story: Story) -> None:
    """Both lists are the policy's own."""
    assert "cel/registries" in story.agent.fails("create", "-f", "-", stdin=pod("other", image="ghcr.io/web:1"))


def test_a_field_that_an_object_lacks_is_a_clear_finding(story: Story) -> None:
    """Not an exception; the agent reads which rule and what to do."""
    bare = {"containers": [{"name": "c", "image": "registry.example/a"}]}
    text = json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b", "namespace": NAMESPACE}, "spec": bare}
    )
    refusal = story.agent.fails("create", "-f", "-", stdin=text)
    said = "cel/memory-in-prod: the condition has no answer for this request: a field that it reads is missing; ask the"
    assert said in refusal


def refused(story: Story, rule: dict[str, Any], **spec: Any) -> str:
    subjects = [{"user": "ci-*"}]
    written = {"subjects": subjects, "rules": [{"name": "evil", "action": "Deny", **rule}], **spec}
    policy = {
        "apiVersion": "kubescrow.dev/v1alpha1",
        "kind": "AgentPolicy",
        "metadata": {"name": "bad"},
        "spec": written,
    }
    began = time.monotonic()
    text = story.cluster.admin.fails("apply", "-f", "-", stdin=yaml.safe_dump(policy))
    assert time.monotonic() - began < 10
    return text


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        pytest.param(
            "object.l.all(x, object.t.replace('', object.t) != '')", "keep out of loops what does", id="it explodes"
        ),
        pytest.param("'a'.matches(object.metadata.name)", "a pattern must stand in the expression", id="a pattern"),
        pytest.param("quantity('1') == '1'", "found no matching overload", id="types that do not fit"),
        pytest.param("(" * 40 + "true" + ")" * 40, "it is nested deeper than 32 levels", id="nested"),
    ],
)
def test_a_hostile_expression_is_refused_when_it_is_applied(story: Story, condition: str, said: str) -> None:
    """The author reads rule, field, what is allowed and the remedy."""
    text = refused(story, {"condition": condition})
    assert "rule evil: spec.rules[0].condition: " in text, text
    assert said in text, text


def test_params_that_are_too_large_are_refused(story: Story) -> None:
    """With their limit."""
    text = refused(story, {"condition": "true"}, params={"a": "x" * 70_000})
    assert "spec.params: a value that no expression can read is not allowed; use JSON of at most 65536" in text


def test_a_loop_beyond_the_budget_denies_and_names_its_rule(story: Story) -> None:
    """Although the policy says Ignore: an agent chooses the object."""
    keys = "object.data.all(x, object.data.all(y, x == y || true))"
    rule = {"name": "loop", "action": "Deny", "match": {"resources": ["configmaps"]}, "condition": f"!{keys}"}
    story.policy(*RULES, rule, params=PARAMS, failurePolicy="Ignore")
    small = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "m", "namespace": NAMESPACE},
        "data": {"a": "b"},
    }
    story.agent.ok("create", "-f", "-", stdin=json.dumps(small))
    large = {**small, "metadata": {"name": "l", "namespace": NAMESPACE}, "data": {f"k{n}": "" for n in range(200)}}
    refusal = story.agent.fails("create", "-f", "-", stdin=json.dumps(large))
    assert "cel/loop: the condition has no answer for this request: it runs over the limit of 10,000" in refusal
