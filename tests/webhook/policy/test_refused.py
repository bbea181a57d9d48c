"""What of selectors, match conditions, params and `set` is refused at apply, in the words of the author's terminal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import asks, found, judged, policy, rule
from webhook.policy.compile import compile_policy, compile_set
from webhook.policy.model import InvalidPolicy, parse_policy

WRITES = {"operations": ["CREATE"], "resources": ["*"]}


def refusal(*rules: dict[str, Any], **spec: Any) -> str:
    with pytest.raises(InvalidPolicy) as caught:
        compile_policy(parse_policy(policy(*rules, **spec)))
    return "\n".join(str(problem) for problem in caught.value.problems)


def selecting(**selector: Any) -> dict[str, Any]:
    return {"match": {"objectSelector": selector}}


def setting(**values: Any) -> dict[str, Any]:
    return rule("Mutate", match=WRITES, set=values)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param(
            selecting(matchLabels={"a b": "x"}),
            'spec.rules[0].match.objectSelector.matchLabels: "a b" is not allowed; use letters, digits, -, _ and .',
            id="a key that is none",
        ),
        pytest.param(
            selecting(matchLabels={"a": "x y"}),
            'spec.rules[0].match.objectSelector.matchLabels.a: "x y" is not allowed; use a label value',
            id="a value that is none",
        ),
        pytest.param(
            selecting(matchExpressions=[{"key": "a", "operator": "in"}]),
            'matchExpressions[0].operator: "in" is not allowed; use one of In, NotIn, Exists, DoesNotExist',
            id="an operator that is none",
        ),
        pytest.param(
            selecting(matchExpressions=[{"key": "a", "operator": "In"}]),
            "matchExpressions[0].values: 0 values with operator In is not allowed; use values with In and NotIn, none",
            id="In without values",
        ),
        pytest.param(
            selecting(matchExpressions=[{"key": "a", "operator": "Exists", "values": ["x"]}]),
            "matchExpressions[0].values: 1 values with operator Exists is not allowed",
            id="Exists with values",
        ),
        pytest.param(selecting(matchLabels=[]), "matchLabels: a list is not allowed; use an object", id="a list"),
        pytest.param(selecting(labels={}), "use one of matchLabels, matchExpressions", id="an unknown field"),
        pytest.param(
            {"match": {"matchConditions": [{"name": "a", "expression": "1"}]}},
            'spec.rules[0].match.matchConditions[0].expression: "1" is not allowed; use a CEL expression that answers '
            "with a bool: it answers with INT, not with BOOL",
            id="a match condition that is no bool",
        ),
        pytest.param(
            {"match": {"matchConditions": [{"name": "a", "expression": "true"}] * 2}},
            'matchConditions[1].name: "a" is not allowed; use a name that no other condition of the rule has',
            id="two match conditions of one name",
        ),
        pytest.param(
            {"match": {"apiVersions": ["V1"]}},
            '"V1" is not allowed; use a version such as v1',
            id="a version of no form",
        ),
    ],
)
def test_a_match_is_refused(fields: dict[str, Any], told: str) -> None:
    assert told in refusal(rule(**fields))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        pytest.param(
            rule("Mutate", match=WRITES),
            "spec.rules[0].set: Mutate without set is not allowed; use set with action Mutate, and only there",
            id="a Mutate without set",
        ),
        pytest.param(
            rule(set={"spec.x": 1}), "spec.rules[0].set: set with action Deny is not allowed", id="a Deny with set"
        ),
        pytest.param(
            rule("Mutate", set={"spec.x": 1}),
            'spec.rules[0].match.operations: "*" is not allowed; use CREATE, UPDATE or both with action Mutate',
            id="every operation",
        ),
        pytest.param(
            rule("Mutate", match={**WRITES, "operations": ["CONNECT"]}, set={"spec.x": 1}),
            '"CONNECT" is not allowed; use CREATE, UPDATE or both with action Mutate',
            id="an exec",
        ),
        *(
            pytest.param(
                rule("Mutate", match={**WRITES, "resources": ["pods", resource]}, set={"spec.x": 1}),
                f'spec.rules[0].match.resources[1]: "{resource}" is not allowed; use resources without subresources, '
                "such as deployments or *, and subresources by name, such as deployments/scale, but not status",
                id=f"subresources that take no value: {resource}",
            )
            for resource in ("*/*", "pods/*", "pods/status", "*/status", "namespaces/finalize", "x/approval")
        ),
        pytest.param(
            rule("Mutate", match={"operations": ["CREATE"]}, set={"spec.x": 1}),
            'spec.rules[0].match.resources[0]: "*/*" is not allowed; use resources without subresources',
            id="resources left out, which are all with their subresources",
        ),
        pytest.param(
            rule("Mutate", match={"operations": ["CREATE", "DELETE"]}, set={"spec.x": 1}),
            '"CREATE, DELETE" is not allowed; use CREATE, UPDATE or both',
            id="a deletion",
        ),
        pytest.param(rule("Mutate", match=WRITES, set={}), "use a list of at least 1 entries", id="an empty set"),
        pytest.param(
            setting(**{"metadata.name": "'x'"}),
            'set["metadata.name"]: "metadata.name" is not allowed; use one label or annotation of metadata',
            id="the name",
        ),
        pytest.param(
            setting(**{"status.phase": 1}), "use a path outside of apiVersion, kind and status", id="the status"
        ),
        pytest.param(
            setting(**{"spec[0]": 1}), '"spec[0]" is not allowed; use a path such as spec.replicas', id="an index"
        ),
        pytest.param(
            setting(**{"/metadata/labels/example.com~1team": "'x'"}),
            '"/metadata/labels/example.com~1team" is not allowed; use a path such as spec.replicas, '
            'metadata.labels["app"]',
            id="a JSON pointer",
        ),
        pytest.param(
            setting(**{"spec.x": "docker.io"}),
            'set["spec.x"]: "docker.io" is not allowed; use a CEL expression that answers with a bool, int, double',
            id="a text without quotes",
        ),
        pytest.param(setting(**{"spec.x": "[1]"}), 'set["spec.x"]: "[1]" is not allowed', id="a list in CEL"),
        pytest.param(
            setting(**{"spec.x": [1]}), "a list is not allowed; use a CEL expression in a string", id="a list"
        ),
        pytest.param(
            setting(**{"spec.x": None}), "null is not allowed; use a CEL expression in a string", id="nothing"
        ),
        pytest.param(setting(**{"spec.x": 2**63}), 'set["spec.x"]: 92233', id="a number beyond 64 bits"),
        pytest.param(
            setting(**{"spec.x": "request.uid"}),
            '"request.uid" is not allowed; use an expression without request.uid',
            id="the id of the call",
        ),
        pytest.param(
            setting(**{"spec.x": "request['uid']"}), "without request.uid", id="the id of the call by its key"
        ),
        pytest.param(
            setting(**{"spec.x": "request.userInfo.extra.a[0]"}), "request.userInfo.extra, which", id="the credential"
        ),
        pytest.param(
            {**setting(**{"spec.x": 1}), "condition": "request.uid != ''"},
            "spec.rules[0].condition: \"request.uid != ''\" is not allowed",
            id="the id of the call in the condition",
        ),
        pytest.param(
            setting(**{"spec.a": 1, "spec.a.b": 1}),
            'set["spec.a.b"]: a path beside spec.a is not allowed; use paths that do not lead through another',
            id="a path through another",
        ),
        pytest.param(
            setting(**{"metadata.labels.a": 1, 'metadata.labels["a"]': 2}),
            "a path beside metadata.labels.a is not allowed",
            id="one path in two spellings",
        ),
    ],
)
def test_a_mutate_is_refused(written: dict[str, Any], told: str) -> None:
    assert told in refusal(written)


def test_two_rules_for_the_same_requests_that_set_a_path_to_different_values_are_refused() -> None:
    """Where a condition may keep them apart, only the request can tell."""
    one, other = setting(**{"spec.x": 1}), {**setting(**{"spec.x": 2}), "name": "b"}
    assert refusal(one, other).startswith(
        'spec.rules[1].set: another value for spec.x than rule "r" sets for the same requests is not allowed'
    )
    compile_policy(parse_policy(policy(one, {**other, "set": {"spec.x": 1}})))
    compile_policy(parse_policy(policy(one, {**other, "condition": "object.spec.y"})))


POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "agents"}}
CREATE = asks("CREATE", POD)


def conditions(*expressions: str, **more: Any) -> dict[str, Any]:
    listed = [{"name": f"c{i}", "expression": expression} for i, expression in enumerate(expressions)]
    return rule(match={"matchConditions": listed}, **more)


@pytest.mark.parametrize(
    ("expressions", "failure_policy", "findings"),
    [
        pytest.param(["true", "object.kind == 'Pod'"], "Fail", ["DENY p/r"], id="all are true"),
        pytest.param(["true", "false"], "Fail", [], id="one is false"),
        pytest.param(["object.x.y", "false"], "Fail", [], id="one is false beside one that errs"),
        pytest.param(["object.x.y", "true"], "Fail", ["DENY p/r"], id="one errs"),
        pytest.param(["object.x.y", "true"], "Ignore", ["ALLOW p/r"], id="one errs and that is ignored"),
    ],
)
def test_match_conditions(expressions: list[str], failure_policy: str, findings: list[str]) -> None:
    verdict = judged(CREATE, policy(conditions(*expressions), failurePolicy=failure_policy))
    assert found(verdict) == findings
    if "object.x.y" in expressions and findings:
        assert (
            "the match condition has no answer for this request: a field that it reads" in verdict.findings[0].message
        )


def test_an_ignored_match_condition_leaves_the_request_unmatched() -> None:
    """What was not judged is not allowed by it."""
    verdict = judged(CREATE, policy(conditions("object.x.y"), failurePolicy="Ignore", unmatched="Deny"))
    assert found(verdict) == ["DENY p/unmatched", "ALLOW p/r"]


def test_expressions_read_the_policy_s_params() -> None:
    """Each policy its own; an empty object without."""
    condition = "has(params.namespaces) && request.namespace in params.namespaces"
    one = policy(rule(condition=condition), params={"namespaces": ["agents"]})
    other = policy(rule(condition=condition), name="q", params={"namespaces": []})
    assert found(judged(CREATE, one, other, policy(rule(condition=condition), name="z"))) == ["DENY p/r"]


@pytest.mark.parametrize(
    ("written", "needs"),
    [
        (rule(match={"namespaceSelector": {"matchLabels": {"a": "b"}}}), True),
        (rule(match={"namespaceSelector": {}}), False),
        (rule(match={"namespaceSelector": {"matchLabels": {"a": "b"}}, "resources": ["nodes"]}), False),
        (rule(condition="namespaceObject.metadata.name == 'x'"), True),
        (rule(message="namespaceObject.metadata.name"), True),
        (conditions("namespaceObject != null"), True),
        (rule(condition="object.metadata.name == 'x'"), False),
    ],
)
def test_a_namespace_is_read_only_where_a_rule_needs_it(written: dict[str, Any], needs: bool) -> None:
    """Never for what lies in none, for a Namespace itself, or for somebody whom the policy does not name."""
    policies = compile_set([policy(written)])
    assert policies.needs_namespace(CREATE) is needs
    assert not policies.needs_namespace(asks("CREATE", {"kind": "Node", "metadata": {"name": "x"}}))
    assert not policies.needs_namespace(asks("CREATE", {"kind": "Namespace", "metadata": {"name": "x"}}, namespace="x"))
    assert not compile_set([policy(written, subjects=[{"user": "x"}])]).needs_namespace(CREATE)


def test_a_condition_on_a_namespace_that_is_not_known_denies() -> None:
    """Whatever failurePolicy says."""
    unknown = policy(rule("Warn", condition="namespaceObject.metadata.name == 'x'"), failurePolicy="Ignore")
    assert found(judged(CREATE, unknown)) == ["DENY p/r"]
