"""`kubescrow mask`: one JSON document in, masked out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.auditsink.samples import event
from tests.kubescrow.typed import parsed, printed, refused

KEY = "0123456789abcdef" * 4
KEYED = {"KUBESCROW_MASKING_KEY": KEY}
PASSWORD = "hunter2-canary"
SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "labels": {"app": "web"}},
    "data": {"password": base64.b64encode(PASSWORD.encode()).decode()},
}
LIST = {"apiVersion": "v1", "kind": "SecretList", "items": [{key: SECRET[key] for key in ("metadata", "data")}]}
EVENT = event(objectRef={"resource": "secrets", "namespace": "prod", "name": "db"}, requestObject=SECRET)
EVENTS = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [
    {"apiVersion": "audit.k8s.io/v1", "kind": "Event", **EVENT}]}  # fmt: skip
REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {"uid": "u", "kind": {"group": "", "version": "v1", "kind": "Secret"}, "object": SECRET},
}
DOCUMENTS = {
    "an object": SECRET,
    "a list": LIST,
    "an audit event": {"apiVersion": "audit.k8s.io/v1", "kind": "Event", **EVENT},
    "a batch of audit events": EVENTS,
    "an admission review": REVIEW,
}


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_the_secret_goes_and_the_rest_stays(document: dict[str, Any]) -> None:
    """From standard input to standard output, as JSON."""
    text = json.dumps(document)
    masked = printed("mask", stdin=text, environment=KEYED)
    assert SECRET["data"]["password"] in text
    assert SECRET["data"]["password"] not in masked
    back = masked.replace(json.loads(masked_value(masked)), SECRET["data"]["password"])
    assert json.loads(back) == document


def masked_value(masked: str) -> str:
    """The one placeholder in a masked document, as JSON."""
    return next(part for part in masked.split() if part.startswith('"[masked:')).rstrip(",")


def test_a_file_is_read_like_standard_input(tmp_path: Path) -> None:
    """With one key both give the same."""
    path = tmp_path / "secret.json"
    path.write_text(json.dumps(SECRET))
    assert printed("mask", str(path), environment=KEYED) == printed("mask", stdin=json.dumps(SECRET), environment=KEYED)
    assert printed("mask", str(path), "--key", KEY) == printed("mask", str(path), environment=KEYED)


def test_explain_lists_where_why_and_what_instead() -> None:
    """One JSON object a line, and nothing of the secret."""
    lines = printed("mask", "--explain", stdin=json.dumps(SECRET), environment=KEYED).splitlines()
    (finding,) = map(json.loads, lines)
    masked = parsed("mask", stdin=json.dumps(SECRET), environment=KEYED)
    assert finding == {"path": "data.password", "by": "secret-data", "placeholder": masked["data"]["password"]}


def test_a_document_without_secrets_stays_and_explains_nothing() -> None:
    """Names, images, replicas, labels."""
    web = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2, "x": [1.5, None, True, "é"]}}
    assert parsed("mask", stdin=json.dumps(web)) == web
    assert printed("mask", "--explain", stdin=json.dumps(web)) == ""


def test_without_a_key_nobody_can_test_guesses() -> None:
    """Each run has a key of its own."""
    assert printed("mask", stdin=json.dumps(SECRET)) != printed("mask", stdin=json.dumps(SECRET))


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_masked_output_masked_again_is_itself(document: dict[str, Any]) -> None:
    """With the same key; byte for byte."""
    once = printed("mask", stdin=json.dumps(document), environment=KEYED)
    assert printed("mask", stdin=once, environment=KEYED) == once


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["kind", "data", "password", "spec", "a"]), JSON))
def test_any_document_masked_again_is_itself(document: dict[str, Any]) -> None:
    """Whatever JSON can hold."""
    once = printed("mask", stdin=json.dumps(document), environment=KEYED)
    assert printed("mask", stdin=once, environment=KEYED) == once


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_encodings_of_json_are_read(tmp_path: Path, encoding: str) -> None:
    """Whatever the terminal's own is."""
    path = tmp_path / "document.json"
    path.write_bytes('{"a": "grüße"}'.encode(encoding))
    assert parsed("mask", str(path)) == {"a": "grüße"}


@pytest.mark.parametrize(("levels", "kept"), [(1, 1), (150, 150), (900, 200)])
def test_deep_documents_are_masked(levels: int, kept: int) -> None:
    """The secret at the bottom too; what is deeper than any object of Kubernetes goes as a whole."""
    text = '{"spec":' * levels + '{"password":"hunter2-canary"}' + "}" * levels
    masked = printed("mask", stdin=text, environment=KEYED)
    assert PASSWORD not in masked
    assert masked.count('"spec"') >= kept
    assert printed("mask", stdin=masked, environment=KEYED) == masked


WRONG: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "not JSON from line 1, column 1; allowed: JSON"),
    "no JSON": ('{"password":\n hunter2-canary}', "not JSON from line 2, column 2; allowed: JSON"),
    "two documents": ("{}{}", "not JSON from line 1, column 3; allowed: JSON"),
    "a list": ('["hunter2-canary"]', "found list; allowed: one JSON object"),
    "a text": ('"hunter2-canary"', "found str; allowed: one JSON object"),
    "no UTF-8": (b'{"password": "hunter2-canary\xff"}', "not JSON in UTF-8, or a number that no double holds"),
    "NaN": ('{"a": NaN}', "not JSON in UTF-8, or a number that no double holds"),
    "a number without end": ('{"a": 1e999}', "not JSON in UTF-8, or a number that no double holds"),
    "5,000 digits": ('{"a": ' + "9" * 5000 + "}", "not JSON in UTF-8, or a number that no double holds"),
    "5,000 levels": ('{"a":' * 5000 + "1" + "}" * 5000, "nested too deeply; allowed: some 900 levels"),
    "100,000 levels": ('{"a":' + "[" * 100_000, "nested too deeply; allowed: some 900 levels"),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_document_is_told_without_its_content(text: str | bytes, told: str) -> None:
    """One line; half a secret is a secret."""
    said = refused("mask", stdin=text)
    assert said.startswith(f"standard input: {told}")
    assert "hunter2" not in said


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """And why."""
    assert refused("mask", str(tmp_path / "no.json")) == f"{tmp_path}/no.json: not readable: No such file or directory"
    assert refused("mask", str(tmp_path)) == f"{tmp_path}: not readable: Is a directory"


@pytest.mark.parametrize("key", ["abc", "zz" * 32, KEY[:-1], KEY + "00", "é" * 64])
def test_a_wrong_key_is_told_and_not_shown(key: str) -> None:
    """By option or by environment."""
    by_option = refused("mask", "--key", key, stdin="{}")
    by_environment = refused("mask", stdin="{}", environment={"KUBESCROW_MASKING_KEY": key})
    assert by_option == by_environment
    assert by_option == "--key, KUBESCROW_MASKING_KEY: not 64 hexadecimal digits; allowed: 64 hexadecimal digits"
