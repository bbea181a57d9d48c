"""Each part of a rule's match on a real API server: what it selects, and that no label is a way around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.installation import Installation
from tests.integration.story import Story, begin

NAMESPACE = "selecting"
LOCKED = {"matchLabels": {"locked": "yes"}}


def deny(name: str, **match: Any) -> dict[str, Any]:
    return {"name": name, "action": "Deny", "match": match}


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Iterator[Story]:
    """An agent whom each rule forbids something that only one part of its match says."""
    story = begin(kubescrow, NAMESPACE)
    maps = {"apiGroups": [""], "resources": ["configmaps"]}
    story.policy(
        deny("locked", **maps, objectSelector=LOCKED),
        deny("in-prod", apiGroups=[""], resources=["services"], namespaceSelector={"matchLabels": {"env": "prod"}}),
        deny("closed-namespaces", resources=["namespaces"], namespaceSelector={"matchLabels": {"closed": "yes"}}),
        deny("named", **maps, resourceNames=["prod-*"], excludeResourceNames=["prod-scratch"]),
        deny(
            "conditions",
            **maps,
            matchConditions=[
                {"name": "creates", "expression": "request.operation == 'CREATE'"},
                {"name": "both", "expression": "has(object.data) && 'forbidden' in object.data"},
            ],
        ),
        deny("old-version", resources=["horizontalpodautoscalers"], apiVersions=["v1"], operations=["CREATE"]),
    )
    yield story
    story.cluster.admin.run("label", "namespace", NAMESPACE, "env-", "closed-")


def obj(name: str, kind: str = "ConfigMap", labels: dict[str, str] | None = None, **fields: Any) -> str:
    metadata = {"name": name, "namespace": NAMESPACE, **({"labels": labels} if labels else {})}
    return json.dumps({"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields})


def refuses(story: Story, rule: str, *command: str, stdin: str | None = None) -> None:
    """The agent is refused, by this rule."""
    assert f"{NAMESPACE}/{rule}: " in story.agent.fails(*command, stdin=stdin)


def test_a_label_cannot_be_taken_off_put_on_or_written_around(story: Story) -> None:
    """The object before the write or after it: either is enough."""
    story.cluster.admin.ok("create", "-f", "-", stdin=obj("locked", labels={"locked": "yes"}))
    story.agent.ok("create", "-f", "-", stdin=obj("free"))
    of = ("-n", NAMESPACE)
    refuses(story, "locked", "label", "configmap", "locked", "locked-", *of)
    refuses(story, "locked", "label", "configmap", "locked", "locked=no", "--overwrite", *of)
    refuses(story, "locked", "label", "configmap", "free", "locked=yes", *of)
    refuses(story, "locked", "create", "-f", "-", stdin=obj("new", labels={"locked": "yes"}))
    refuses(story, "locked", "replace", "-f", "-", stdin=obj("locked"))
    refuses(story, "locked", "delete", "configmap", "locked", *of)
    refuses(story, "locked", "delete", "configmaps", "-l", "locked=yes", *of)
    story.agent.ok("label", "configmap", "free", "a=b", *of)


def test_the_labels_of_the_namespace_count_as_they_are_now(story: Story) -> None:
    """From the moment at which they are written, and not longer."""
    service: dict[str, Any] = {"spec": {"ports": [{"port": 80}]}}
    story.agent.ok("create", "-f", "-", stdin=obj("before", "Service", **service))
    story.cluster.admin.ok("label", "namespace", NAMESPACE, "env=prod")
    refuses(story, "in-prod", "create", "-f", "-", stdin=obj("during", "Service", **service))
    refuses(story, "in-prod", "delete", "service", "before", "-n", NAMESPACE)
    story.cluster.admin.ok("label", "namespace", NAMESPACE, "env=dev", "--overwrite")
    story.agent.ok("delete", "service", "before", "-n", NAMESPACE)


def test_a_namespace_lies_in_itself(story: Story) -> None:
    """Its labels before or after the write."""
    closed = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "closed", "labels": {"closed": "yes"}}}
    refuses(story, "closed-namespaces", "create", "-f", "-", stdin=json.dumps(closed))
    story.cluster.admin.ok("create", "-f", "-", stdin=json.dumps(closed))
    refuses(story, "closed-namespaces", "label", "namespace", "closed", "closed-")
    refuses(story, "closed-namespaces", "delete", "namespace", "closed")
    story.agent.ok("create", "namespace", "selecting-open")


def test_names_and_their_excludes(story: Story) -> None:
    """A generated name is known only afterwards, so every name may be meant."""
    refuses(story, "named", "create", "-f", "-", stdin=obj("prod-a"))
    story.agent.ok("create", "-f", "-", stdin=obj("prod-scratch"))
    story.agent.ok("create", "-f", "-", stdin=obj("dev-a"))
    generated = json.loads(obj("x"))
    generated["metadata"] = {"generateName": "prod-", "namespace": NAMESPACE}
    refuses(story, "named", "create", "-f", "-", stdin=json.dumps(generated))


def test_match_conditions_must_all_be_true(story: Story) -> None:
    refuses(story, "conditions", "create", "-f", "-", stdin=obj("with", data={"forbidden": "x"}))
    story.agent.ok("create", "-f", "-", stdin=obj("without", data={"a": "x"}))
    story.agent.ok("replace", "-f", "-", stdin=obj("without", data={"forbidden": "x"}))


def test_a_version_is_the_one_that_the_agent_asks_by(story: Story) -> None:
    """Whatever version the API server converts it to for us."""
    metadata = {"namespace": NAMESPACE}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
    spec = {"maxReplicas": 2, "scaleTargetRef": target}
    one = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "spec": spec}
    refuses(story, "old-version", "create", "-f", "-", stdin=json.dumps({**one, "metadata": {"name": "a", **metadata}}))
    other = {**one, "apiVersion": "autoscaling/v2", "metadata": {"name": "b", **metadata}}
    story.agent.ok("create", "-f", "-", stdin=json.dumps(other))


def written(**rule: Any) -> str:
    """A policy with one rule."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubescrow.dev/v1alpha1",
            "kind": "AgentPolicy",
            "metadata": {"name": "selecting-refused"},
            "spec": {"subjects": [{"user": "nobody"}], "rules": [{"name": "r", **rule}]},
        }
    )


WRITES = {"operations": ["CREATE"], "resources": ["*"]}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        pytest.param(deny("r", operation=["CREATE"]), 'unknown field "spec.rules[0].match.operation"', id="a typo"),
        pytest.param(
            deny("r", operations=["PATCH"]),
            'match.operations[0]: Unsupported value: "PATCH"',
            id="a word",
        ),
        pytest.param(
            {"action": "Mutate", "match": WRITES}, "Mutate needs set, and set is used with action Mutate only", id="set"
        ),
        pytest.param(
            {"action": "Mutate", "match": {"operations": ["DELETE"]}, "set": {"spec.x": 1}},
            "Mutate needs match.operations CREATE, UPDATE or both",
            id="a deletion",
        ),
        pytest.param(
            {"action": "Mutate", "match": {**WRITES, "resources": ["pods/status"]}, "set": {"spec.x": 1}},
            'rule r: spec.rules[0].match.resources[0]: "pods/status" is not allowed; use resources without',
            id="a status",
        ),
        pytest.param(
            {"action": "Mutate", "match": WRITES, "set": {"spec[0]": 1}},
            'rule r: spec.rules[0].set["spec[0]"]: "spec[0]" is not allowed; use a path such as spec.replicas',
            id="a path",
        ),
        pytest.param(
            {"action": "Mutate", "match": WRITES, "set": {"spec.x": "docker.io"}},
            'rule r: spec.rules[0].set["spec.x"]: "docker.io" is not allowed; use a CEL expression that answers with',
            id="CEL that is none",
        ),
        pytest.param(
            {"action": "Deny", "match": {"matchConditions": [{"name": "a", "expression": "1 +"}]}},
            'rule r: spec.rules[0].match.matchConditions[0].expression: "1 +" is not allowed',
            id="a match condition that is no CEL",
        ),
        pytest.param(
            {"action": "Deny", "check": "privileged"},
            'rule r: spec.rules[0].check: "privileged" is not allowed; use one of docs/checks.md, perhaps',
            id="a check",
        ),
        pytest.param(
            deny("r", objectSelector={"matchExpressions": [{"key": "a", "operator": "In"}]}),
            "In and NotIn need values, Exists and DoesNotExist have none",
            id="a selector",
        ),
    ],
)
def test_what_is_wrong_is_refused_at_apply(story: Story, rule: dict[str, Any], told: str) -> None:
    """With the field and what is allowed: by the definition if it can say so, by us else."""
    admin = story.cluster.admin
    assert told in admin.fails("create", "--validate=strict", "-f", "-", stdin=written(**{"action": "Deny", **rule}))
