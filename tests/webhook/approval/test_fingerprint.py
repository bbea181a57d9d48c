"""Equal intents have equal fingerprints, all others different ones, and a fingerprint tells nothing about a secret."""

import hashlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.webhook.approval.requests import KEY, OBJECTS, VALUES, leaf_paths, print_of, request, update, with_leaf
from webhook.admission.request import Request
from webhook.approval.canonical import canonical_json
from webhook.approval.fingerprint import fingerprint, hashed
from webhook.approval.intent import Intent, intent

ENCODED = {"data": {"p": "aHVudGVyMg=="}}
SECRETS = st.dictionaries(st.sampled_from(["data", "stringData", "type", "metadata"]), VALUES, max_size=4)


def _shuffled(value: Any, random: Any) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: _shuffled(value[key], random) for key in keys}
    return [_shuffled(item, random) for item in value] if isinstance(value, list) else value


@given(OBJECTS, OBJECTS, st.randoms())
def test_the_order_of_keys_does_not_matter(one: dict[str, Any], other: dict[str, Any], random: Any) -> None:
    """An object written in another order is the same object."""
    assert print_of(request(object=_shuffled(one, random))) == print_of(request(object=one))
    assert print_of(update(_shuffled(one, random), _shuffled(other, random))) == print_of(update(one, other))


@given(OBJECTS, st.data(), VALUES)
@pytest.mark.parametrize("kind", ["Widget", "Secret", "Service", "Pod"])
def test_any_changed_leaf_matters(kind: str, obj: dict[str, Any], data: Any, leaf: Any) -> None:
    """At any path, of a created object and on either side of an update."""
    paths = list(leaf_paths(obj))
    assume(paths)
    path = data.draw(st.sampled_from(paths))
    changed = with_leaf(obj, path, leaf)
    assume(canonical_json(changed) != canonical_json(obj))
    assert print_of(request(kind=kind, object=changed)) != print_of(request(kind=kind, object=obj))
    assert print_of(update({}, changed, kind)) != print_of(update({}, obj, kind))
    assert print_of(update(changed, {}, kind)) != print_of(update(obj, {}, kind))
    assert print_of(update(obj, changed, kind)) != print_of(update(obj, obj, kind))


@given(SECRETS, SECRETS)
def test_secrets_differ_exactly_where_they_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    """An HMAC stands for each value, and no value can look like the HMAC of another."""
    prints = [print_of(request(kind="Secret", object=secret)) for secret in (one, other)]
    assert (prints[0] == prints[1]) == (canonical_json(one) == canonical_json(other))


def test_the_order_of_a_list_matters() -> None:
    """Arguments, containers, rules: lists are compared whole."""
    assert print_of(request(object={"args": ["a", "b"]})) != print_of(request(object={"args": ["b", "a"]}))


def test_an_empty_change_set_has_a_fingerprint() -> None:
    """It is still an intent: a no-op that a rule may hold."""
    assert len(print_of(update({"a": 1}, {"a": 1}))) == 64
    assert print_of(update({"a": 1}, {"a": 1})) == print_of(update({"a": 2}, {"a": 2}))


def test_drift_elsewhere_does_not_matter() -> None:
    """Somebody else changed another field meanwhile: the same change."""
    assert print_of(update({"a": 1, "b": 1}, {"a": 2, "b": 1})) == print_of(update({"a": 1, "b": 9}, {"a": 2, "b": 9}))


def _secret(value: str) -> Intent:
    return intent(request(kind="Secret", object={"data": {"p": value}}), None)


@pytest.mark.parametrize(
    "asked", [request(kind="Secret", object=ENCODED), update({}, ENCODED, "Secret"), update(ENCODED, {}, "Secret")]
)
def test_a_secret_enters_as_a_keyed_hash_only(asked: Request) -> None:
    """What is hashed holds neither the value nor a plain hash of it."""
    document = canonical_json(hashed(intent(asked, None), key=KEY)).decode()
    assert "aHVudGVyMg==" not in document
    assert hashlib.sha256(b"aHVudGVyMg==").hexdigest() not in document
    assert '{"$hmac":"' in document


def test_the_fingerprint_depends_on_the_key() -> None:
    """Nobody without the key can test a guess, for any value anywhere in the object."""
    asked = intent(request(object={"env": [{"name": "PASSWORD", "value": "hunter22"}]}), None)
    assert fingerprint(asked, key=KEY) != fingerprint(asked, key=KEY[::-1])


def test_fingerprints_of_version_1_stay() -> None:
    """A stored approval must be found after an upgrade: change these only together with VERSION."""
    made = [print_of(request(object={"a": [1, "x", None, {"$": True}]})), fingerprint(_secret("eA=="), key=KEY)]
    assert made == [
        "21a67270b81fb125a1c32b80f8edf541508e54999371c67cc36487a538454ec7",
        "f2fb2869c6fbe88c5dc13144d99fe316ae985242e04b3ec753384450d679f0c1",
    ]
