"""What is shown is what is hashed, all of it, and no secret."""

import shlex
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from masking import Masker, MaskingKey
from tests.webhook.approval.requests import (
    OBJECTS,
    POD,
    TEXTS,
    VALUES,
    OpenMasker,
    delivered,
    executed,
    leaf_paths,
    print_of,
    request,
    text_of,
    update,
    with_leaf,
)
from webhook.admission.request import Operation, Request, User
from webhook.approval.canonical import canonical_json
from webhook.approval.change import LIMIT_BYTES, ChangeTooLarge, describe
from webhook.approval.intent import intent, needs_target
from webhook.approval.visible import is_visible

MASKER = Masker(MaskingKey("k1", b"masking key of thirty-two bytes!"))
PLANTED = "hunter22-Sup3rS3cret"
ENCODED = b64encode(PLANTED.encode()).decode()

EXEC = executed(command=["sh", "-c", "echo 'a b' > /x"], container="web")
DELETION = request(Operation.DELETE, old_object={"metadata": {"uid": "w1"}}, options={"propagationPolicy": "Orphan"})
REQUESTS = st.one_of(
    st.builds(lambda obj: request(object=obj), OBJECTS),
    st.builds(update, OBJECTS, OBJECTS),
    st.builds(lambda options: replace(DELETION, options=options), OBJECTS),
    st.builds(lambda options: replace(EXEC, object=options), OBJECTS),
    st.builds(lambda command: replace(EXEC, object={"command": command}), st.lists(TEXTS, max_size=3)),
    st.builds(
        lambda name, namespace, user: replace(DELETION, name=name, namespace=namespace, user=user),
        TEXTS,
        TEXTS,
        st.builds(User, TEXTS, TEXTS),
    ),
)


def _masked(asked: Request) -> str:
    return describe(intent(asked, POD if needs_target(asked) else None), masker=MASKER).text


@given(REQUESTS, REQUESTS)
def test_intents_have_the_same_text_only_if_they_are_the_same(one: Request, other: Request) -> None:
    """Nobody approves one thing and lets another pass."""
    assert (text_of(one) == text_of(other)) == (print_of(one) == print_of(other))


@given(OBJECTS, OBJECTS, st.data(), VALUES)
def test_any_changed_leaf_is_seen(base: dict[str, Any], obj: dict[str, Any], data: Any, leaf: Any) -> None:
    """Two objects that differ at one path only have texts that differ, created or on either side of an update."""
    paths = list(leaf_paths(obj))
    assume(paths)
    other = with_leaf(obj, data.draw(st.sampled_from(paths)), leaf)
    assume(canonical_json(other) != canonical_json(obj))
    assert text_of(request(object=other)) != text_of(request(object=obj))
    assert text_of(update(base, other)) != text_of(update(base, obj))
    assert (text_of(update(other, base)) == text_of(update(obj, base))) == (
        print_of(update(other, base)) == print_of(update(obj, base))
    )


@given(REQUESTS)
def test_nothing_hidden_is_in_a_text(asked: Request) -> None:
    """Masked or not: visible characters and line breaks only."""
    for text in (text_of(asked), _masked(asked)):
        assert all(char == "\n" or is_visible(char) for char in text)


@given(OBJECTS)
def test_all_of_a_created_object_is_in_the_text(obj: dict[str, Any]) -> None:
    """A YAML parser finds every leaf below the first line."""
    first, _, rest = text_of(request(object=obj)).partition("\n")
    assert first == "CREATE widgets.example.com agents/web"
    shown = yaml.safe_load(rest)
    assert canonical_json(shown["object"]) == canonical_json(obj).replace(b"[masked:", b"[masked:copied:")
    assert shown["requester"] == {"username": "system:serviceaccount:agents:bot", "uid": "bot-uid"}


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_a_command_is_shown_as_one_would_type_it(command: list[str]) -> None:
    """A shell would read the same arguments."""
    shown = yaml.safe_load(text_of(replace(EXEC, object={"command": command})).partition("\n")[2])
    assert shlex.split(shown["options"]["command line"]) == [
        part.replace("[masked:", "[masked:copied:") for part in command
    ]


@pytest.mark.parametrize(
    ("asked", "first_line"),
    [
        (DELETION, "DELETE widgets.example.com agents/web"),
        (replace(DELETION, namespace=""), "DELETE widgets.example.com/web"),
        (replace(DELETION, name="a b\n\x1b[2J"), 'DELETE widgets.example.com agents/"a b\\n\\x1B[2J"'),
        (replace(DELETION, name="(generated name)"), 'DELETE widgets.example.com agents/"(generated name)"'),
        (EXEC, "CONNECT pods/exec agents/web"),
        (delivered("scale")[0], "UPDATE deployments.apps/scale agents/d"),
        (delivered("namespace-with-generated-name")[0], "CREATE namespaces/(generated name)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_first_line_says_what_happens(asked: Request, first_line: str) -> None:
    """Operation, resource, namespace and name."""
    assert text_of(asked).splitlines()[0] == first_line


def test_a_deletion_reads_like_this() -> None:
    """The whole text of a small change."""
    assert text_of(DELETION) == (
        "DELETE widgets.example.com agents/web\n"
        "options:\n"
        "  propagationPolicy: Orphan\n"
        "target:\n"
        "  uid: w1\n"
        "requester:\n"
        "  username: system:serviceaccount:agents:bot\n"
        "  uid: bot-uid\n"
    )


def test_an_update_reads_like_this() -> None:
    """Short changes on one line, and the version that the paths belong to."""
    old = {"metadata": {"uid": "d1"}, "spec": {"replicas": 3, "image": "a:1"}}
    new = {"metadata": {"uid": "d1"}, "spec": {"replicas": 20, "image": "a:1"}}
    assert text_of(update(old, new, "Deployment")).splitlines()[:5] == [
        "UPDATE deployments.apps agents/web",
        "apiVersion: apps/v1",
        "kind: Deployment",
        "changes:",
        "  spec.replicas: 3 -> 20",
    ]


def _secret(value: str, **metadata: Any) -> dict[str, Any]:
    encoded = b64encode(value.encode()).decode()
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"password": encoded}}


LAST_APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": str(_secret(PLANTED)).replace("'", '"')}
CONTAINER = {"name": "c", "image": "a", "env": [{"name": "DB_PASSWORD", "value": PLANTED}]}


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(request(kind="Secret", object=_secret(PLANTED)), id="a new Secret"),
        pytest.param(request(kind="Secret", object=_secret("x", annotations=LAST_APPLIED)), id="its last-applied"),
        pytest.param(request(kind="Secret", object={"stringData": {"password": PLANTED}}), id="stringData"),
        pytest.param(update(_secret("old"), _secret(PLANTED), "Secret"), id="the new value of a Secret"),
        pytest.param(update(_secret(PLANTED), _secret("new"), "Secret"), id="the old value of a Secret"),
        pytest.param(update(_secret(PLANTED), {"kind": "Secret"}, "Secret"), id="data taken away"),
        pytest.param(
            update({}, {"spec": {"template": {"spec": {"containers": [CONTAINER]}}}}, "Deployment"), id="an env value"
        ),
        pytest.param(replace(EXEC, object={"command": ["mysql", f"-p{PLANTED}", "-e", "select 1"]}), id="an argument"),
    ],
)
def test_no_planted_secret_is_in_a_text(asked: Request) -> None:
    """Neither plain nor encoded; what stands around it does."""
    text = _masked(asked)
    assert PLANTED not in text
    assert ENCODED not in text


def test_a_secret_in_a_key_is_masked_too() -> None:
    """In a created object and in a touched path; the same in both."""
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    texts = [_masked(request(object={"notes": {token: "x"}})), _masked(update({}, {"notes": {token: "x"}}))]
    assert all(token not in text and "[masked:" in text for text in texts)


def test_only_the_secret_span_is_masked() -> None:
    """The rest of a command stays readable."""
    text = _masked(replace(EXEC, object={"command": ["mysql", f"-p{PLANTED}", "-e", "drop table users"]}))
    assert "mysql" in text
    assert "drop table users" in text


def test_different_secrets_have_different_placeholders() -> None:
    """So that even masked texts of different intents differ; the same secret looks the same."""
    texts = [
        _masked(request(kind="Secret", object=_secret(value))) for value in ("one-secret", "other-secret", "one-secret")
    ]
    assert texts[0] != texts[1]
    assert texts[0] == texts[2]


def test_a_copied_placeholder_is_shown_as_forged() -> None:
    """An agent that writes a genuine placeholder, seen in another approval, does not pass for masked."""
    text = _masked(request(kind="Secret", object=_secret(PLANTED)))
    genuine = text[text.index("[masked:") : text.index("]") + 1]
    copied = _masked(request(object={"note": genuine}))
    assert "[masked:forged:" in copied
    assert genuine not in copied


@pytest.mark.parametrize("name", ["pod", "secret", "service-load-balancer", "deployment-restart", "exec"])
def test_real_requests_are_masked_and_stay_small(name: str) -> None:
    """With the real masker, as the API server delivers them."""
    assert len(_masked(delivered(name)[0])) < 4096


def test_a_change_that_is_too_long_is_refused_and_not_cut() -> None:
    """At the limit it passes; one byte more does not."""
    empty = len(text_of(request(object={"items": [1]})).encode())
    rows = [1] * ((LIMIT_BYTES - empty) // len("    - 1\n") + 1)
    fits = text_of(request(object={"items": rows}))
    assert LIMIT_BYTES - 8 < len(fits.encode()) <= LIMIT_BYTES
    with pytest.raises(ChangeTooLarge) as refused:
        text_of(request(object={"items": [*rows, 1]}))
    assert refused.value.limit_bytes == LIMIT_BYTES < refused.value.size_bytes


def test_the_digest_is_of_the_text() -> None:
    """Equal texts have equal digests."""
    change = describe(intent(DELETION, None), masker=OpenMasker())
    other = describe(intent(replace(DELETION, name="api"), None), masker=OpenMasker())
    assert len(change.digest) == 64
    assert change.digest != other.digest
