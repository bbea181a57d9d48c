"""What must hold for all input: masking twice is masking once, and no planted secret comes out in any form."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from tests.masking.language import MASKER

# Words that channels and rules react to, so that random texts get into their corners.
SPICES = st.sampled_from(
    [
        "password=",
        "--password",
        "--token=",
        "Authorization:",
        "Bearer",
        "Basic",
        "://",
        ":",
        "@",
        "?",
        "&",
        "=",
        ";",
        "'",
        '"',
        "\\",
        "[masked:",
        "]",
        "$(",
        "${",
        "`",
        "-p",
        "mysql",
        "curl",
        "-u",
        "sh",
        "-c",
        "eyJhbGciOiJub25lIn0",
        ".",
        "-----BEGIN",
        "PRIVATE",
        "KEY-----",
        "-----END",
        "PRIVATE",
        "KEY-----",
        "\n",
        "%20",
        "%5B",
        "+",
        "|",
        "echo",
        "chpasswd",
        ",",
        "AKIAIOSFODNN7EXAMPLE",
        "hunter2",
        '{"password":"',
        '"}',
        "identified",
        "by",
        "'",
        "Secret",
        "data",
        "value",
        "env",
        "[masked:forged:k1a2",
    ]
)
TEXTS = st.lists(st.one_of(SPICES, st.text(alphabet=st.characters(), max_size=4))).map("".join)
SPACED = st.lists(SPICES).map(" ".join)
ANY_TEXT = st.one_of(TEXTS, SPACED)
FIELDS = st.sampled_from(
    "kind data stringData env name value command args metadata annotations spec status token items path op from"
    " httpHeaders requestURI password message clientConfig service url apiVersion"
    " kubectl.kubernetes.io/last-applied-configuration"
)
KINDS = st.sampled_from(["Secret", "SecretList", "List", "Pod", "TokenRequest", "PodExecOptions", "Event", ""])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT, KINDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(FIELDS, ANY_TEXT), inner, max_size=4),
        st.dictionaries(FIELDS, inner, max_size=3).map(json.dumps),
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(FIELDS, VALUES, max_size=6)
# Characters that encodings change, and an end that nothing else in an output has.
SECRETS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30).map("Zq{}§9xW~vK".format)
NAMES = st.text(alphabet="abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=8)


def text_of(value: Any) -> str:
    """Return JSON in which every string is as it is."""
    return json.dumps(value, ensure_ascii=False)


@given(ANY_TEXT)
def test_text_masked_again_is_itself(text: str) -> None:
    """Idempotence of texts."""
    once = MASKER.mask_text(text)
    assert MASKER.mask_text(once) == once


@given(st.lists(ANY_TEXT, max_size=6))
def test_arguments_masked_again_are_themselves(argv: list[str]) -> None:
    """Idempotence of argument vectors, the most entangled reading."""
    pod = {"kind": "Pod", "spec": {"containers": [{"command": argv}]}}
    once = MASKER.mask_object(pod)
    assert MASKER.mask_object(once) == once


@given(st.lists(st.tuples(st.sampled_from(["command", "token", "a"]), ANY_TEXT), max_size=5), st.booleans())
def test_uri_masked_again_is_itself(parameters: list[tuple[str, str]], is_exec: bool) -> None:
    """Idempotence of request URIs."""
    query = "&".join(f"{name}={quote_plus(value, errors='surrogatepass')}" for name, value in parameters)
    uri = f"/api/v1/namespaces/a/pods/b/{'exec' if is_exec else 'proxy'}?{query}"
    once = MASKER.mask_event({"requestURI": uri})
    assert MASKER.mask_event(once) == once


@given(OBJECTS, KINDS)
def test_object_masked_again_is_itself(obj: dict[str, Any], kind: str) -> None:
    """Idempotence of objects of any form, guarded or not."""
    once = MASKER.mask_object(obj, kind=kind or None)
    assert text_of(MASKER.mask_object(once, kind=kind or None)) == text_of(once)


@given(VALUES, KINDS)
def test_patch_masked_again_is_itself(patch: Any, kind: str) -> None:
    """Idempotence of patches of any form."""
    once = MASKER.mask_patch(patch, kind=kind)
    assert text_of(MASKER.mask_patch(once, kind=kind)) == text_of(once)


@given(OBJECTS, VALUES, VALUES, st.sampled_from(["secrets", "pods", "serviceaccounts"]))
def test_event_masked_again_is_itself(extra: dict[str, Any], request: Any, response: Any, resource: str) -> None:
    """Idempotence of audit events."""
    event = {**extra, "objectRef": {"resource": resource}, "requestObject": request, "responseObject": response}
    once = MASKER.mask_event(event)
    assert text_of(MASKER.mask_event(once)) == text_of(once)


def planted(secret: str, name: str) -> tuple[dict[str, Any], list[Any]]:
    """Return a Secret with the secret in every place, and a patch of each type."""
    encoded = base64.b64encode(secret.encode()).decode()
    data = {"data": {name: encoded}, "stringData": {name: secret, "x": {"y": [secret]}}}
    applied = json.dumps({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}, **data})
    annotation = {"kubectl.kubernetes.io/last-applied-configuration": applied}
    whole = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a", "annotations": annotation}, **data}
    operations = [
        {"op": "add", "path": f"/data/{name}", "value": encoded},
        {"op": "test", "path": f"/stringData/{name}", "value": secret},
        {"op": "replace", "path": "/data", "value": data["data"]},
        {"op": "replace", "path": "", "value": whole},
    ]
    merge = {**data, "metadata": {"annotations": annotation}}
    return whole, [operations, merge, {"$retainKeys": ["data"], **data}, whole]


def assert_gone(secret: str, output: Any) -> None:
    """No form of the secret is left in an output."""
    text = text_of(output)
    encoded = base64.b64encode(secret.encode()).decode()
    forms = [secret, json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]]
    for form in (*forms, encoded, encoded.rstrip("="), quote(secret), quote_plus(secret)):
        assert form not in text


@given(SECRETS, NAMES)
def test_no_planted_secret_is_left_in_objects_and_lists(secret: str, name: str) -> None:
    """Objects, SecretLists, Lists, reviews and Tables."""
    whole, _ = planted(secret, name)
    bare = {key: value for key, value in whole.items() if key not in ("kind", "apiVersion")}
    assert_gone(secret, MASKER.mask_object(whole))
    assert_gone(secret, MASKER.mask_object(bare, kind="Secret"))
    assert_gone(secret, MASKER.mask_object({"kind": "SecretList", "apiVersion": "v1", "items": [bare, whole]}))
    assert_gone(secret, MASKER.mask_object({"kind": "List", "apiVersion": "v1", "items": [whole]}))
    assert_gone(
        secret, MASKER.mask_document({"kind": "AdmissionReview", "request": {"object": whole, "oldObject": whole}})
    )
    assert_gone(secret, MASKER.mask_object({"kind": "Table", "rows": [{"object": whole}]}))


@given(SECRETS, NAMES)
def test_no_planted_secret_is_left_in_patches_and_events(secret: str, name: str) -> None:
    """Patches of each type, alone and in audit events, with the secret quoted in the error too."""
    whole, patches = planted(secret, name)
    for patch in patches:
        assert_gone(secret, MASKER.mask_patch(patch, kind="Secret"))
        event = {
            "verb": "patch",
            "objectRef": {"resource": "secrets", "name": "a"},
            "requestObject": patch,
            "responseObject": whole,
            "responseStatus": {"message": f"cannot take {secret} as a value"},
            "annotations": {"patch.webhook.admission.k8s.io/round_0_index_0": json.dumps({"patch": patch})},
        }
        assert_gone(secret, MASKER.mask_event(event))


@given(OBJECTS, KINDS)
def test_a_custom_replacement_sees_the_same_secrets(obj: dict[str, Any], kind: str) -> None:
    """Placeholders and fingerprints come from one walk."""
    seen: list[str] = []

    def replace(kind: str, value: str) -> str:
        seen.append(kind)
        return MASKER.sealed(kind, value)

    MASKER.mask_secret_leaves(obj, kind=kind, replace=replace)
    kinds = [finding.kind for finding in MASKER.explain_object(obj, kind=kind)]
    assert seen == kinds[: len(seen)]  # entangled texts are walked twice
