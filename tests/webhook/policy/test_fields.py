"""Our model and the CRD allow the same: what kubectl accepts, compiles, and what we accept can be applied."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from webhook.checks import CHECK_BY_ID, CHECKS
from webhook.policy import fields
from webhook.policy.duration import LENGTH_LIMIT, PATTERN
from webhook.policy.expression import SOURCE_LIMIT
from webhook.policy.parameters import parameters_of
from webhook.policy.problem import Problem
from webhook.policy.spec import (
    Defaults,
    Hold,
    LabelRequirement,
    Match,
    MatchCondition,
    Rule,
    Selector,
    Spec,
    SubjectEntry,
)

CRD = yaml.safe_load((Path(__file__).parents[3] / "manifests/crds/agentpolicies.yaml").read_text())
SPEC = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
RULE = SPEC["properties"]["rules"]["items"]
SUBJECT = SPEC["properties"]["subjects"]["items"]
MATCH = RULE["properties"]["match"]["properties"]
SELECTOR = MATCH["namespaceSelector"]
REQUIREMENT = SELECTOR["properties"]["matchExpressions"]["items"]
CONDITION = MATCH["matchConditions"]["items"]
SCHEMAS = [
    (Spec, SPEC),
    (Defaults, SPEC["properties"]["defaults"]),
    (Rule, RULE),
    (Match, RULE["properties"]["match"]),
    (Hold, RULE["properties"]["hold"]),
    (SubjectEntry, SUBJECT),
    (Selector, SELECTOR),
    (Selector, MATCH["objectSelector"]),
    (LabelRequirement, REQUIREMENT),
    (MatchCondition, CONDITION),
]


def _by_alias(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


@pytest.mark.parametrize(("model", "schema"), SCHEMAS, ids=lambda value: getattr(value, "__name__", ""))
def test_same_fields(model: type[BaseModel], schema: dict[str, Any]) -> None:
    """Neither knows a field that the other refuses, and both require the same."""
    assert set(_by_alias(model)) == set(schema["properties"])
    required = {alias for alias, field in _by_alias(model).items() if field.is_required()}
    assert required == set(schema.get("required", ()))


@pytest.mark.parametrize(("model", "schema"), SCHEMAS, ids=lambda value: getattr(value, "__name__", ""))
def test_same_defaults(model: type[BaseModel], schema: dict[str, Any]) -> None:
    """What the API server fills in is what we would have taken."""
    given = {alias: prop["default"] for alias, prop in schema["properties"].items() if "default" in prop}
    base = {"subjects": [{"user": "x"}]} if model is Spec else {}
    assert not given or model.model_validate({**base, **given}) == model.model_validate(base)


@pytest.mark.parametrize(
    ("words", "schema"),
    [
        (fields.Mode, SPEC["properties"]["mode"]),
        (fields.FailurePolicy, SPEC["properties"]["failurePolicy"]),
        (fields.Unmatched, SPEC["properties"]["unmatched"]),
        (fields.Default, SPEC["properties"]["defaults"]["properties"]["kubeSystem"]),
        (fields.RuleAction, RULE["properties"]["action"]),
        (fields.MatchOperation, MATCH["operations"]["items"]),
        (fields.SelectorOperator, REQUIREMENT["properties"]["operator"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_same_words(words: Any, schema: dict[str, Any]) -> None:
    """Every word of one is a word of the other."""
    assert set(words) == set(schema["enum"])


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        (fields.RuleName, RULE["properties"]["name"]),
        (fields.CheckId, RULE["properties"]["check"]),
        (fields.NarrowGlob, SUBJECT["properties"]["user"]),
        (fields.NarrowGlob, SUBJECT["properties"]["group"]),
        (fields.Glob, SUBJECT["properties"]["serviceAccount"]["properties"]["name"]),
        (fields.Glob, RULE["properties"]["match"]["properties"]["namespaces"]["items"]),
        (fields.ApiGroup, RULE["properties"]["match"]["properties"]["apiGroups"]["items"]),
        (fields.ResourcePath, MATCH["resources"]["items"]),
        (fields.ApiVersion, MATCH["apiVersions"]["items"]),
        (fields.QualifiedName, REQUIREMENT["properties"]["key"]),
        (fields.QualifiedName, CONDITION["properties"]["name"]),
        (fields.LabelValue, REQUIREMENT["properties"]["values"]["items"]),
        (fields.LabelValue, SELECTOR["properties"]["matchLabels"]["additionalProperties"]),
        (fields.Account, SPEC["properties"]["serviceAccounts"]["items"]),
    ],
)
def test_same_patterns(kind: Any, schema: dict[str, Any]) -> None:
    """A string is of the same form and length in both, and its form can be said in words."""
    limits = {key: value for item in get_args(kind)[1].metadata for key, value in _constraints(item).items()}
    assert limits["pattern"] == schema["pattern"]
    assert limits["max_length"] == schema["maxLength"]
    assert limits["pattern"] in fields.FORMS


def _constraints(item: Any) -> dict[str, Any]:
    names = ("pattern", "max_length")
    return {name: getattr(item, name) for name in names if getattr(item, name, None) is not None}


def test_same_limits() -> None:
    """Lists, sources and durations end where ours end."""
    hold, match = RULE["properties"]["hold"]["properties"], RULE["properties"]["match"]["properties"]
    assert SPEC["properties"]["subjects"]["maxItems"] == fields.SUBJECTS_LIMIT
    assert SPEC["properties"]["rules"]["maxItems"] == fields.RULES_LIMIT
    assert match["resourceNames"]["maxItems"] == fields.MATCH_LIMIT
    assert hold["approvers"]["maxItems"] == fields.APPROVERS_LIMIT
    assert RULE["properties"]["condition"]["maxLength"] == SOURCE_LIMIT
    assert CONDITION["properties"]["expression"]["maxLength"] == SOURCE_LIMIT
    assert MATCH["matchConditions"]["maxItems"] == fields.CONDITIONS_LIMIT
    assert SELECTOR["properties"]["matchLabels"]["maxProperties"] == fields.SELECTOR_LIMIT
    assert SELECTOR["properties"]["matchExpressions"]["maxItems"] == fields.SELECTOR_LIMIT
    assert REQUIREMENT["properties"]["values"]["maxItems"] == fields.MATCH_LIMIT
    assert RULE["properties"]["set"]["maxProperties"] == fields.SET_LIMIT
    assert (hold["wait"]["pattern"], hold["wait"]["maxLength"]) == (PATTERN, LENGTH_LIMIT)


def test_everything_is_described() -> None:
    """`kubectl explain` has a word on every field."""
    assert [path for path, schema in _walk("spec", SPEC) if "description" not in schema] == []


def test_schema_is_structural() -> None:
    """Unknown fields are refused, not kept; only the author's own params and the values of set have any form."""
    free = [path for path, schema in _walk("spec", SPEC) if "preserve-unknown-fields" in str(schema.keys())]
    assert free == ["spec.params", "spec.rules[].set"]
    assert str(CRD).count("x-kubernetes-preserve-unknown-fields") == 2
    assert RULE["properties"]["name"]["maxLength"] == 63
    assert SPEC["properties"]["rules"]["x-kubernetes-list-map-keys"] == ["name"]


def test_schema_names_every_parameter() -> None:
    """The parameters of all checks, and no others; a new one is added to manifests/crds/agentpolicies.yaml."""
    models = [check.parameters for check in CHECKS if check.parameters]
    names = {field.alias or name for model in models for name, field in model.model_fields.items()}
    assert set(RULE["properties"]["parameters"]["properties"]) == names


@pytest.mark.parametrize(
    ("role", "is_taken"),
    [
        ("ClusterRole/view", True),
        ("Role/*", True),
        ("Role/web-*", True),
        ("ClusterRole/*-reader", True),
        ("ClusterRole/system:node", True),
        ("view", False),
        ("Role/", False),
        ("role/view", False),
        ("Role/a*b", False),
        ("Role/**", False),
        ("Role/" + "x" * 300, False),
        (7, False),
    ],
)
def test_schema_takes_the_roles_that_the_check_takes(role: Any, is_taken: bool) -> None:
    """A role is `ClusterRole/NAME` or `Role/NAME`, for both alike."""
    items = RULE["properties"]["parameters"]["properties"]["roles"]["items"]
    is_taken_by_schema = isinstance(role, str) and len(role) <= items["maxLength"] and re.search(items["pattern"], role)
    assert bool(is_taken_by_schema) is is_taken
    problems: list[Problem] = []
    checks = [CHECK_BY_ID["binds-unlisted-roles"]]
    parameters_of(checks, {"roles": [role]}, path="spec.rules[0]", rule="r", problems=problems)
    assert [problem.path for problem in problems] == ([] if is_taken else ["spec.rules[0].parameters.roles[0]"])


def _walk(path: str, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    inner = [entry for name, prop in schema.get("properties", {}).items() for entry in _walk(f"{path}.{name}", prop)]
    items = schema.get("items", {})
    below = [entry for name, prop in items.get("properties", {}).items() for entry in _walk(f"{path}[].{name}", prop)]
    return [(path, schema), *inner, *below]
