"""What Mutate rules write, that it must stand, and that no agent and no author can make it unsafe."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import HUMAN, asks, found, judged, policy
from tests.webhook.policy.patching import patched
from webhook.admission.verdict import Action
from webhook.policy.compile import compile_set
from webhook.policy.mutation import PLACES_LIMIT, Mutation, mutate
from webhook.policy.protection import Protected

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "agents"},
    "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y", "imagePullPolicy": "Never"}]},
}
CREATE = asks("CREATE", POD)
BY = 'metadata.annotations["example.com/by"]'
USER = "request.userInfo.username"


def sets(values: dict[str, Any], operations: tuple[str, ...] = ("CREATE", "UPDATE"), **fields: Any) -> dict[str, Any]:
    match = {"operations": list(operations), "resources": ["*"], **fields.pop("match", {})}
    return {"name": "r", "action": "Mutate", "match": match, "set": values, **fields}


def mutated(request: Any, *policies: dict[str, Any], namespace: Any = None) -> Mutation:
    policy_set = compile_set(policies)
    assert not policy_set.broken, [str(problem) for broken in policy_set.broken for problem in broken.problems]
    return mutate(request, policy_set, protected=Protected(), namespace=namespace)


def denials(mutation: Mutation) -> list[str]:
    return [finding.message for finding in mutation.findings if finding.action is Action.DENY]


@pytest.mark.parametrize(
    ("values", "patch"),
    [
        pytest.param(
            {BY: USER},
            [("add", "/metadata/annotations", {"example.com/by": "system:serviceaccount:agents:bot"})],
            id="a missing parent is made",
        ),
        pytest.param(
            {"spec.containers[*].imagePullPolicy": "'Always'"},
            [
                ("add", "/spec/containers/0/imagePullPolicy", "Always"),
                ("add", "/spec/containers/1/imagePullPolicy", "Always"),
            ],
            id="each element of a list",
        ),
        pytest.param({"spec.hostNetwork": False}, [("add", "/spec/hostNetwork", False)], id="a literal"),
        pytest.param({"spec.a": 1.5, "spec.b": 7}, [("add", "/spec/a", 1.5), ("add", "/spec/b", 7)], id="numbers"),
        pytest.param({"spec.a": "2.0 * 3.0"}, [("add", "/spec/a", 6)], id="a whole double is a whole number"),
        pytest.param({"spec.initContainers[*].x": "'y'"}, [], id="a list that is not there has no elements"),
        pytest.param(
            {"spec.a.b": 1, "spec.a.c": 2},
            [("add", "/spec/a", {"b": 1}), ("add", "/spec/a/c", 2)],
            id="two values below one missing parent",
        ),
        pytest.param({'spec["a/b~c"]': 1}, [("add", "/spec/a~1b~0c", 1)], id="a name with the signs of a pointer"),
    ],
)
def test_set(values: dict[str, Any], patch: list[tuple[str, str, Any]]) -> None:
    """Exactly these places change, the object that came is untouched, and what stands in the end passes."""
    before = copy.deepcopy(POD)
    mutation = mutated(CREATE, policy(sets(values)))
    assert [(one["op"], one["path"], one["value"]) for one in mutation.patch] == patch
    assert before == POD
    assert patched(POD, mutation.patch) == mutation.request.object
    assert judged(mutation.request, policy(sets(values))).findings == ()


def test_it_is_idempotent() -> None:
    """A second call, as reinvocation makes it, has nothing left to write."""
    rules = policy(sets({BY: USER, "spec.containers[*].imagePullPolicy": "'Always'"}))
    assert mutated(mutated(CREATE, rules).request, rules).patch == ()


@pytest.mark.parametrize(
    ("request_", "rules"),
    [
        pytest.param(asks("DELETE", old=POD), sets({BY: USER}), id="a deletion"),
        pytest.param(replace(CREATE, user=HUMAN), sets({BY: USER}), id="somebody whom no policy names"),
        pytest.param(CREATE, sets({BY: USER}, ("UPDATE",)), id="another operation"),
        pytest.param(
            CREATE, sets({BY: USER}, condition="object.spec.containers.size() > 2"), id="its condition is false"
        ),
        pytest.param(CREATE, sets({BY: USER}, check="privileged-containers"), id="its check finds nothing"),
        pytest.param(
            CREATE, sets({BY: USER}, match={"objectSelector": {"matchLabels": {"a": "b"}}}), id="not selected"
        ),
        pytest.param(
            asks("CREATE", {**POD, "metadata": {"name": "x", "namespace": "kubescrow"}}),
            sets({BY: USER}),
            id="an object in our namespace",
        ),
        pytest.param(
            asks(
                "CREATE", {"apiVersion": "kubescrow.dev/v1alpha1", "kind": "Approval", "metadata": {"name": "appr-1"}}
            ),
            sets({BY: USER}),
            id="an object of our types",
        ),
    ],
)
def test_nothing_is_written_to(request_: Any, rules: dict[str, Any]) -> None:
    mutation = mutated(request_, policy(rules))
    assert (mutation.patch, mutation.findings) == ((), ())
    assert not [one for one in judged(request_, policy(rules)).findings if one.policy == "p"]


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        pytest.param(
            {"example.com/by": "jane"}, 'is "jane" and must be "system:serviceaccount:agents:bot"', id="forged"
        ),
        pytest.param(None, 'is missing and must be "system:serviceaccount:agents:bot"', id="taken off again"),
        pytest.param(
            {"example.com/by": "\x1b[2Jjane\n"}, 'is "\\u001b[2Jjane\\n" and must be', id="with control signs"
        ),
    ],
)
def test_what_does_not_stand_is_denied(annotations: Any, told: str) -> None:
    """The message names rule, path, what is there and what must be."""
    obj = {**POD, "metadata": {**POD["metadata"], "annotations": annotations}}
    verdict = judged(asks("CREATE", obj), policy(sets({BY: USER})))
    assert found(verdict) == ["DENY p/r"]
    assert f'metadata.annotations["example.com/by"] {told}' in verdict.findings[0].message


@pytest.mark.parametrize("value", [True, 1, 1.0, "true"])
def test_a_value_of_another_type_is_another_value(value: Any) -> None:
    """1 is not true, and "true" is neither."""
    obj = {**POD, "spec": {"x": value}}
    for literal in (True, 1):
        is_same = type(value) is bool if literal is True else type(value) in (int, float)
        assert bool(judged(asks("CREATE", obj), policy(sets({"spec.x": literal}))).findings) is not is_same


def test_no_value_of_a_secret_is_told() -> None:
    """Neither what the agent wrote nor what must be there."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "agents"},
        "data": {"a": "aHVudGVyMg=="},
    }
    rules = policy(sets({"data.a": "'c2VjcmV0'"}))
    for said in (
        judged(asks("CREATE", secret), rules).findings,
        mutated(asks("CREATE", secret), {**rules, "spec": {**rules["spec"], "mode": "Observe"}}).findings,
    ):
        assert len(said) == 1
        assert "data.a" in said[0].message
        assert "aHVudGVyMg" not in said[0].message
        assert "c2VjcmV0" not in said[0].message


def test_observe_writes_nothing_and_records_what_it_would_have_set() -> None:
    rules = policy(sets({BY: USER}), mode="Observe")
    mutation = mutated(CREATE, rules)
    assert mutation.patch == ()
    assert [(one.action, one.message) for one in mutation.findings] == [
        (Action.ALLOW, 'observe: would set: metadata.annotations["example.com/by"] is missing and must be '
                       '"system:serviceaccount:agents:bot"')
    ]  # fmt: skip
    assert judged(CREATE, rules).findings == ()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"spec.containers.x": 1}, "spec.containers.x cannot be set: spec.containers is a list"),
        ({"spec.containers[*].image.x": 1}, "spec.containers[0].image is no object"),
        (
            {"spec.x": "object.spec.nothing"},
            "the value of spec.x has no answer for this request: a field that it reads",
        ),
        ({"spec.x": "object.spec"}, "its answer is not a bool, int, double or string"),
        ({"spec.x": "1.0 / 0.0"}, "its answer is no finite number"),
    ],
)
def test_what_cannot_be_set_is_denied_on_both_sides(values: dict[str, Any], why: str) -> None:
    """The mutating side already says it, and the validating side would."""
    rules = policy(sets(values))
    (told,) = denials(mutated(CREATE, rules))
    assert why in told
    assert [one.message for one in judged(CREATE, rules).findings] == [told]


def test_failure_policy_ignore_skips_the_value() -> None:
    """And records it; a path that does not fit the object is no expression and denies."""
    ignoring = policy(sets({"spec.x": "object.spec.nothing"}), failurePolicy="Ignore")
    assert denials(mutated(CREATE, ignoring)) == []
    assert found(judged(CREATE, ignoring)) == ["ALLOW p/r"]
    assert denials(mutated(CREATE, policy(sets({"spec.containers.x": 1}), failurePolicy="Ignore")))


@pytest.mark.parametrize(
    "policies",
    [
        pytest.param([policy(sets({"spec.x": 1})), policy(sets({"spec.x": 2}), name="q")], id="two policies disagree"),
        pytest.param([policy(sets({"spec.n": "has(object.spec.n) ? object.spec.n + 1 : 0"}))], id="it counts up"),
        pytest.param(
            [policy(sets({"spec.x": 1})), policy(sets({"spec.x.y": 2}), name="q")], id="one in the other's way"
        ),
    ],
)
def test_what_never_settles_is_denied(policies: list[dict[str, Any]]) -> None:
    """In stable order, on the mutating side and, whatever stands, on the validating side."""
    once, again = mutated(CREATE, *policies), mutated(CREATE, *reversed(policies))
    assert denials(once)
    assert denials(once) == denials(again)
    for value in (1, 2, {"y": 2}):
        assert judged(asks("CREATE", {**POD, "spec": {"x": value, "n": value}}), *policies).action is Action.DENY


def test_values_that_depend_on_each_other_settle() -> None:
    """A label from an annotation that another rule sets."""
    copying = sets(
        {"metadata.labels.by": f"has(object.metadata.annotations) ? object.{BY} : ''"},
        condition="has(object.metadata.annotations)",
    )
    rules = [policy(sets({BY: "'bot'"})), policy(copying, name="a")]
    mutation = mutated(CREATE, *rules)
    assert denials(mutation) == []
    assert mutation.request.object is not None
    assert mutation.request.object["metadata"]["labels"] == {"by": "bot"}
    assert judged(mutation.request, *rules).findings == ()


def test_the_same_request_gets_the_same_values_in_each_call() -> None:
    """The id of the call, the credential and what the API server writes into metadata are not shown, so no value and no
    fingerprint can depend on them: a held request stays approvable."""
    volatile = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
    values = {f"spec.{name}": f"has(object.metadata.{name}) ? 'shown' : 'hidden'" for name in volatile}
    values["spec.old"] = "has(oldObject.metadata.resourceVersion) ? 'shown' : 'hidden'"
    values["spec.call"] = "'ui' + 'd' in request ? 'shown' : 'hidden'"
    values["spec.credential"] = "'ext' + 'ra' in request.userInfo ? 'shown' : 'hidden'"
    metadata = {**POD["metadata"], **dict.fromkeys(volatile, "x")}
    request = asks("UPDATE", {**POD, "metadata": metadata}, old={**POD, "metadata": metadata})
    user = {"username": "bot", "extra": {"authentication.kubernetes.io/credential-id": ["JTI=1"]}}
    request = replace(request, wire={**request.wire, "uid": "1", "userInfo": user})
    spec = (mutated(request, policy(sets(values))).request.object or {})["spec"]
    assert {spec[path.removeprefix("spec.")] for path in values} == {"hidden"}


def test_an_object_with_too_many_places_is_denied_soon() -> None:
    """An agent cannot make us write, or send, a patch without end."""
    huge = {**POD, "spec": {"containers": [{} for _ in range(300_000)]}}
    started = time.process_time()
    (told,) = denials(mutated(asks("CREATE", huge), policy(sets({"spec.containers[*].x": 1}))))
    assert told == f"it sets more than {PLACES_LIMIT} places of one object"
    assert time.process_time() - started < 2


def test_an_object_nested_without_end_is_judged() -> None:
    """A literal is written beside it; an expression cannot read it and denies."""
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": deep}
    request = asks("CREATE", {**POD, "spec": {"deep": deep}})
    assert len(mutated(request, policy(sets({"spec.x": 1}))).patch) == 1
    assert denials(mutated(request, policy(sets({"spec.x": USER}), failurePolicy="Ignore")))


NAMESPACE = {"metadata": {"name": "agents", "labels": {"team": "red"}, "resourceVersion": "7"}}


def test_a_value_from_the_namespace() -> None:
    """It is read from the object that is given; without one the request is denied."""
    rules = policy(sets({"metadata.labels.team": "namespaceObject.metadata.labels.team"}))
    assert compile_set([rules]).needs_namespace(CREATE)
    assert mutated(CREATE, rules, namespace=NAMESPACE).patch[0]["value"] == {"team": "red"}
    assert "the Namespace that the object lies in is not known" in denials(mutated(CREATE, rules))[0]


def test_mutate_rules_allow_nothing() -> None:
    """A request that only they are about is unmatched."""
    strict = policy(sets({"spec.x": 1}), unmatched="Deny")
    assert found(judged(mutated(CREATE, strict).request, strict)) == ["DENY p/unmatched"]


def test_warn_rules_allow_with_a_warning() -> None:
    """A request that one is about is not unmatched: that is how an author lets something pass."""
    strict = policy({"name": "r", "action": "Warn", "match": {"resources": ["pods"]}}, unmatched="Deny")
    assert found(judged(CREATE, strict)) == ["WARN p/r"]
    assert found(judged(asks("DELETE", resource="secrets", old={}), strict)) == ["DENY p/unmatched"]


def test_a_subresource_that_a_rule_names_is_written() -> None:
    """The scale of a Deployment is another way to its replicas; what a rule does not name is left alone."""
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 9}}
    request = asks("UPDATE", scale, old=scale, resource="deployments", group="apps", subresource="scale")
    named = policy(sets({"spec.replicas": 2}, match={"resources": ["deployments", "deployments/scale"]}))
    assert [one["value"] for one in mutated(request, named).patch] == [2]
    assert mutated(request, policy(sets({"spec.replicas": 2}))).patch == ()
    assert judged(request, policy(sets({"spec.replicas": 2}))).findings == ()


def test_a_denial_tells_the_author_s_message_where_a_path_does_not_fit() -> None:
    rules = policy(sets({"spec.containers.x": 1}, message="'ask team red'"))
    assert denials(mutated(CREATE, rules))[0].endswith("; ask team red")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)
PATHS = st.lists(
    st.sampled_from(["spec.a", "spec.b.c", "spec.b.d", "spec.c[*]", "spec.c[*].a", "spec.d[*].b", "spec.a.b.c.d"]),
    min_size=1,
    max_size=3,
    unique=True,
)
VALUES = st.sampled_from([1, True, "'x'", "object.spec.size()"])


@given(JSON, st.lists(st.tuples(PATHS, VALUES), min_size=1, max_size=3))
def test_any_object(spec: Any, wanted: list[tuple[list[str], Any]]) -> None:
    """Whatever the object: the patch gives what we say, and it either passes in the end or was denied at once."""
    rules = [
        policy(
            *(sets({path: value}, condition="true") | {"name": f"r{i}"} for i, path in enumerate(paths)), name=f"p{n}"
        )
        for n, (paths, value) in enumerate(wanted)
    ]
    request = asks("CREATE", {**POD, "spec": spec})
    before = copy.deepcopy(request.object)
    mutation = mutated(request, *rules)
    assert request.object == before
    assert patched(before, mutation.patch) == mutation.request.object
    is_denied = judged(mutation.request, *rules).action is Action.DENY
    assert is_denied is bool(denials(mutation))
