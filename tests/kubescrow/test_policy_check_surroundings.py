"""`kubescrow policy check` knows what surrounds a manifest in a cluster: its Namespace, and what Mutate rules write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.kubescrow.test_policy_check import SUBJECT, check, obj, write
from tests.webhook.policy.language import policy, rule

PROD = {"matchLabels": {"env": "prod"}}
IN_PROD = rule(name="no-prod", match={"namespaceSelector": PROD})
UNKNOWN = "namespace shop is not known: every namespaceSelector selects it"


def by(tmp_path: Path, *rules: dict[str, Any], **spec: Any) -> str:
    return write(tmp_path / "policies.yaml", policy(*rules, subjects=[SUBJECT], **spec))


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        pytest.param([namespace("shop", env="prod")], "Deny", id="selected"),
        pytest.param([namespace("shop", env="dev")], "Allow", id="not selected"),
        pytest.param([namespace("other", env="dev")], "Deny", id="not known, so it counts as selected"),
    ],
)
def test_a_namespace_selector_looks_at_the_namespaces_that_are_given(
    tmp_path: Path, known: list[dict[str, Any]], verdict: str
) -> None:
    given = write(tmp_path / "namespaces.yaml", *known)
    checked = check(by(tmp_path, IN_PROD), obj(), options=("--namespaces", given))
    assert checked.verdicts == [verdict]
    assert any(UNKNOWN in line for line in checked.err) is (known[0]["metadata"]["name"] != "shop")


def test_labels_for_all_namespaces_are_enough(tmp_path: Path) -> None:
    assert check(by(tmp_path, IN_PROD), obj(), options=("--namespace-labels", "env=dev")).verdicts == ["Allow"]
    assert check(by(tmp_path, IN_PROD), obj(), options=("--namespace-labels", "env=prod")).verdicts == ["Deny"]


def test_a_namespace_among_the_manifests_does_not_count(tmp_path: Path) -> None:
    """Whoever wrote it would choose by which rules the rest is judged."""
    checked = check(by(tmp_path, IN_PROD), namespace("shop", env="dev"), obj())
    assert checked.verdicts == ["Allow", "Deny"]


def test_conditions_see_the_namespace(tmp_path: Path) -> None:
    """And deny, whatever failurePolicy says, where it is not known."""
    condition = "'env' in namespaceObject.metadata.labels && namespaceObject.metadata.labels.env == 'prod'"
    policies = by(tmp_path, rule("Warn", condition=condition), failurePolicy="Ignore")
    assert check(policies, obj(), options=("--namespace-labels", "env=dev")).verdicts == ["Allow"]
    assert check(policies, obj()).verdicts == ["Deny"]


def test_nobody_is_asked_for_namespaces_that_no_rule_reads(tmp_path: Path) -> None:
    assert check(by(tmp_path, rule("Warn", match={"resources": ["pods"]})), obj()).err == []


SETS = {
    "name": "mark",
    "action": "Mutate",
    "match": {"operations": ["CREATE"], "resources": ["configmaps"]},
    "set": {"metadata.labels.team": "'red'"},
}


def test_what_a_mutate_sets_is_written_before_the_others_judge(tmp_path: Path) -> None:
    """And noted, because the manifest does not have it."""
    demands = rule(name="demand", condition="!has(object.metadata.labels) || object.metadata.labels.team != 'red'")
    checked = check(by(tmp_path, SETS, demands), obj())
    assert checked.verdicts == ["Allow"]
    assert checked.documents[0]["notes"] == ["judged with what a Mutate sets: p/mark metadata.labels.team"]


def test_a_mutate_that_cannot_be_set_denies(tmp_path: Path) -> None:
    fails = {**SETS, "set": {"data.a.b": "'x'"}}
    checked = check(by(tmp_path, fails), obj(data={"a": "text"}))
    (finding,) = checked.documents[0]["findings"]
    assert (checked.code, finding["rule"]) == (1, "mark")
    assert finding["message"] == "data.a.b cannot be set: data.a is no object"


def test_a_mutate_that_observes_writes_nothing_and_is_told(tmp_path: Path) -> None:
    checked = check(by(tmp_path, SETS, mode="Observe"), obj())
    (finding,) = checked.documents[0]["findings"]
    assert (checked.verdicts, checked.documents[0]["notes"]) == (["Allow"], [])
    assert finding["message"] == 'observe: would set: metadata.labels.team is missing and must be "red"'
