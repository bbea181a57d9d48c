"""A review is read whole or refused with what is wrong; nothing that anybody sends breaks the reader."""

import copy
from base64 import b64decode
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.admission.request import Kind, Operation, Resource, User
from webhook.admission.review import WARNING_LIMIT, Answer, MalformedReview, decode, encode

REVIEW: dict[str, Any] = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "705ab4f5",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
        "subResource": "scale",
        "name": "web",
        "namespace": "shop",
        "operation": "UPDATE",
        "userInfo": {"username": "ann", "uid": "7", "groups": ["sre"], "extra": {"key": ["a", "b"]}},
        "object": {"spec": {"replicas": 2}},
        "oldObject": {"spec": {"replicas": 1}},
        "options": {"kind": "UpdateOptions"},
        "dryRun": True,
    },
}
GONE = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The review with another value at a place, or none at all."""
    review = copy.deepcopy(REVIEW)
    *way, last = path.split(".")
    place = review
    for key in way:
        place = place[key]
    place[last] = value
    if value is GONE:
        del place[last]
    return review


def test_a_review_is_read_whole() -> None:
    """Every field that we judge by arrives, and the request stays at hand as it was sent."""
    request = decode(orjson.dumps(REVIEW))
    assert (request.uid, request.operation) == ("705ab4f5", Operation.UPDATE)
    assert (request.kind, request.resource) == (Kind("apps", "v1", "Deployment"), Resource("apps", "v1", "deployments"))
    assert (request.subresource, request.namespace, request.name) == ("scale", "shop", "web")
    assert request.user == User("ann", "7", ("sre",), {"key": ("a", "b")})
    assert (request.object, request.old_object) == ({"spec": {"replicas": 2}}, {"spec": {"replicas": 1}})
    assert (request.options, request.dry_run) == ({"kind": "UpdateOptions"}, True)
    assert request.wire == REVIEW["request"]


@pytest.mark.parametrize("value", [None, GONE], ids=["null", "left out"])
def test_what_may_be_left_out_has_its_empty_value(value: object) -> None:
    """A field that the API server leaves out, or sends as null, is empty."""
    review = copy.deepcopy(REVIEW)
    for key in ("subResource", "name", "namespace", "object", "oldObject", "options", "dryRun"):
        review["request"] = changed(f"request.{key}", value)["request"] | {"userInfo": {"username": "ann"}}
        request = decode(orjson.dumps(review))
        assert request.user == User("ann")
        read = {"subResource": request.subresource, "oldObject": request.old_object, "dryRun": request.dry_run}
        assert not (read | {k: getattr(request, k) for k in ("name", "namespace", "object", "options")})[key]


TEXT = "a string"
TEXT_GIVEN = "a string that is not empty"
AN_OBJECT = "an object"
OPERATIONS = "CREATE, UPDATE, DELETE, CONNECT"
STRINGS = "a list of strings"
BY_KEY = "lists of strings by key"
V1 = "admission.k8s.io/v1"


@pytest.mark.parametrize(
    ("path", "value", "found", "allowed"),
    [
        pytest.param("apiVersion", "admission.k8s.io/v1beta1", '"admission.k8s.io/v1beta1"', V1, id="an old version"),
        pytest.param("apiVersion", GONE, "nothing", V1, id="no version"),
        pytest.param("kind", "Pod", '"Pod"', "AdmissionReview", id="another kind"),
        pytest.param("kind", ["AdmissionReview"], "a list", "AdmissionReview", id="a list of kinds"),
        pytest.param("request", GONE, "nothing", AN_OBJECT, id="no request, as in an answer"),
        pytest.param("request", [], "a list", AN_OBJECT, id="a list of requests"),
        pytest.param("request.uid", GONE, "nothing", TEXT_GIVEN, id="no uid"),
        pytest.param("request.uid", "", "a string", TEXT_GIVEN, id="an empty uid"),
        pytest.param("request.uid", 5, "a number", TEXT_GIVEN, id="a number as uid"),
        pytest.param("request.operation", "PATCH", '"PATCH"', OPERATIONS, id="an operation that is none"),
        pytest.param("request.operation", "update", '"update"', OPERATIONS, id="an operation in small letters"),
        pytest.param("request.operation", {}, "an object", OPERATIONS, id="an object as operation"),
        pytest.param("request.kind", GONE, "nothing", AN_OBJECT, id="no kind"),
        pytest.param("request.kind.kind", "", "a string", TEXT_GIVEN, id="a kind without a name"),
        pytest.param("request.resource.group", 1.5, "a number", TEXT, id="a number as group"),
        pytest.param("request.userInfo", "ann", "a string", AN_OBJECT, id="a name as user"),
        pytest.param("request.userInfo.username", "", "a string", TEXT_GIVEN, id="a user without a name"),
        pytest.param("request.userInfo.uid", 7, "a number", TEXT, id="a number as the user's uid"),
        pytest.param("request.userInfo.groups", "sre", "a string", STRINGS, id="one group as text"),
        pytest.param("request.userInfo.groups", False, "true or false", STRINGS, id="false instead of groups"),
        pytest.param("request.userInfo.groups", ["sre", None], "a list", STRINGS, id="a group that is nothing"),
        pytest.param("request.userInfo.extra", [], "a list", BY_KEY, id="a list as extra"),
        pytest.param("request.userInfo.extra", {"key": "a"}, "an object", BY_KEY, id="text in extra"),
        pytest.param("request.object", "{}", "a string", AN_OBJECT, id="text as object"),
        pytest.param("request.dryRun", 1, "a number", "true or false", id="one instead of true"),
        pytest.param("request.name", 3, "a number", TEXT, id="a number as name"),
    ],
)
def test_what_is_malformed_is_told(path: str, value: Any, found: str, allowed: str) -> None:
    """Field, what was found and what is allowed; with the uid wherever there is one."""
    with pytest.raises(MalformedReview) as malformed:
        decode(orjson.dumps(changed(path, value)))
    assert str(malformed.value) == f"{path}: found {found}; allowed: {allowed}"
    assert malformed.value.uid == ("" if path in {"request", "request.uid"} else "705ab4f5")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
PLACES = [
    "apiVersion",
    "kind",
    "request",
    *(f"request.{key}" for key in REVIEW["request"]),
    *(f"request.userInfo.{key}" for key in REVIEW["request"]["userInfo"]),
    *(f"request.{triple}.{key}" for triple in ("kind", "resource") for key in ("group", "version")),
]


def told(body: bytes) -> str:
    """What the sender is told; nothing if the review could be read."""
    try:
        decode(body)
    except MalformedReview as malformed:
        return str(malformed)
    return ""


@given(st.binary())
def test_any_bytes_are_malformed_and_no_more(body: bytes) -> None:
    """Bytes that are no review raise MalformedReview, never anything else."""
    assert "; allowed: " in told(body)


@given(JSON)
def test_any_json_is_malformed_and_no_more(document: Any) -> None:
    """JSON of any form is no better."""
    assert "; allowed: " in told(orjson.dumps(document))


@given(st.sampled_from(PLACES), JSON)
def test_junk_at_any_place_is_read_or_told_in_short(place: str, junk: Any) -> None:
    """Whatever stands in a field, the answer is one short printable line."""
    text = told(orjson.dumps(changed(place, junk)))
    assert len(text) < 200
    assert text.isprintable()


SECRET = "s3cr3t-" + "x" * 34


@pytest.mark.parametrize("place", PLACES, ids=[f"{place} does not leak" for place in PLACES])
@pytest.mark.parametrize(
    "form", ["{}", '{{"a":"{}"}}', '["{}"]', "{}\n"], ids=["long", "inside", "listed", "unprintable"]
)
def test_no_content_is_echoed(place: str, form: str) -> None:
    """What could be an object's data never comes back; only a short printable value may be named."""
    secret = SECRET if form == "{}" else "s3cr3t"
    text = form.format(secret)
    value = orjson.loads(text) if text[0] in "[{" else text
    assert "s3cr3t" not in told(orjson.dumps(changed(place, value)))


MIB = 1024 * 1024


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * MIB, id="a mebibyte of opening brackets"),
        pytest.param(b"[" * (MIB // 2) + b"]" * (MIB // 2), id="nested half a million deep"),
        pytest.param(b'{"a":' * 2000 + b"1" + b"}" * 2000, id="objects nested 2,000 deep"),
        pytest.param(b"9" * MIB, id="a number of a million digits"),
        pytest.param(b"1e400", id="a number without end"),
        pytest.param(b"-" * MIB, id="a mebibyte of minus signs"),
        pytest.param(b'"' + b"\\ud800" * (MIB // 6) + b'"', id="lone surrogates"),
        pytest.param(b"\xff" * MIB, id="bytes that are no text"),
        pytest.param(b"\x00" * MIB, id="a mebibyte of NUL"),
        pytest.param(b'{"request":{"uid":"' + b"u" * MIB + b'"}}', id="a uid of a mebibyte"),
        pytest.param(b"[" + b"{}," * (MIB // 3) + b"{}]", id="a list of many objects"),
        pytest.param(b"NaN", id="a word that is no JSON"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_huge_and_strange_bodies_are_only_malformed(body: bytes) -> None:
    """The limit of the body lets much through; none of it costs more than a short answer."""
    assert 0 < len(told(body)) < 200


def test_deep_objects_are_read() -> None:
    """What the JSON reader takes is taken whole: an object may be nested deeply."""
    deep: Any = {}
    for _ in range(240):
        deep = {"a": deep}
    assert decode(orjson.dumps(changed("request.object", deep))).object == deep


WORDS = st.text(max_size=200)
ANSWERS = st.builds(
    Answer,
    st.booleans(),
    code=st.integers(100, 599),
    reason=WORDS,
    message=WORDS,
    retry_after_s=st.none() | st.integers(0, 86_400),
    causes=st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=3).map(tuple),
    warnings=st.lists(WORDS, max_size=3).map(tuple),
    audit=st.dictionaries(WORDS, WORDS, max_size=3),
    patch=st.lists(st.dictionaries(WORDS, JSON, max_size=2), max_size=2).map(tuple),
)


@settings(max_examples=200)
@given(st.text(min_size=1), ANSWERS)
def test_an_answer_arrives_as_it_was_meant(uid: str, answer: Answer) -> None:
    """The uid is echoed, and every part of the answer is where the API server looks for it."""
    review = orjson.loads(encode(uid, answer))
    response = review["response"]
    assert (review["apiVersion"], review["kind"]) == (REVIEW["apiVersion"], REVIEW["kind"])
    assert (response["uid"], response["allowed"]) == (uid, answer.allowed)
    assert response.get("warnings", []) == [warning[:WARNING_LIMIT] for warning in answer.warnings]
    assert response.get("auditAnnotations", {}) == answer.audit
    assert orjson.loads(b64decode(response.get("patch", "W10="))) == [dict(step) for step in answer.patch]
    assert ("patchType" in response) is bool(answer.patch)
    assert ("status" in response) is not answer.allowed


def test_a_refusal_as_the_api_server_reads_it() -> None:
    """Code, reason, message, pause and causes have the names of a Kubernetes Status."""
    answer = Answer(False, 429, "TooManyRequests", "wait", retry_after_s=7, causes=(("Held", "approval", "appr-1"),))
    assert orjson.loads(encode("uid-1", answer))["response"]["status"] == {
        "status": "Failure",
        "code": 429,
        "reason": "TooManyRequests",
        "message": "wait",
        "details": {
            "retryAfterSeconds": 7,
            "causes": [{"reason": "Held", "field": "approval", "message": "appr-1"}],
        },
    }


def test_a_plain_refusal_has_no_details() -> None:
    """Without a pause the client is not made to wait."""
    assert "details" not in orjson.loads(encode("uid-1", Answer(False, 403)))["response"]["status"]
