"""The masker as the webhook, the auditsink and the command line use it."""

from typing import Any

from tests.masking.language import MASKER, placeholder

SECRET = {"kind": "Secret", "apiVersion": "v1", "data": {"x": "aHVudGVyMg=="}, "stringData": {"y": "hunter2"}}


def test_a_replacement_of_the_callers_own() -> None:
    """The fingerprint puts its own text in place of each secret, told kind and value."""
    result = MASKER.mask_secret_leaves(SECRET, kind="Secret", replace=lambda kind, value: f"<{kind} {value}>")
    assert (result["data"], result["stringData"]) == ({"x": "<secret-data hunter2>"}, {"y": "<secret-data hunter2>"})


def test_sealed_values_are_whole_hmacs() -> None:
    """64 digits, equal for equal values, and not the digits of the placeholder."""
    result = MASKER.mask_secret_leaves(SECRET, kind="Secret", replace=MASKER.sealed)
    sealed = result["data"]["x"]
    assert sealed == result["stringData"]["y"]
    assert len(sealed) == len("hmac-sha256:") + 64
    assert placeholder("x", "hunter2")[-13:-5] not in sealed


def test_no_field_is_lost_under_a_masked_name() -> None:
    """Two names that are masked alike stay two fields; masked again they stay."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    obj = {"kind": "Pod", "spec": {token: 1, placeholder("jwt", token): 2}}
    masked = MASKER.mask_object(obj)
    assert list(masked["spec"].items()) == [(placeholder("jwt", token), 1), (f"{placeholder('jwt', token)}'", 2)]
    assert MASKER.mask_object(masked) == masked


def test_the_copy_is_deep() -> None:
    """Changing the output does not change the input."""
    obj: dict[str, Any] = {"kind": "Pod", "spec": {"a": [{"b": {}}], "c": []}}
    copy = MASKER.mask_object(obj)
    copy["spec"]["a"][0]["b"]["x"] = copy["spec"]["c"].append(1)
    assert obj == {"kind": "Pod", "spec": {"a": [{"b": {}}], "c": []}}


def test_an_event_list_is_masked_event_by_event() -> None:
    """Each event has its own object, so its own kind; findings count the items."""
    event = {
        "objectRef": {"resource": "secrets"},
        "requestObject": [{"op": "add", "path": "/data/x", "value": "aHVudGVyMg=="}],
    }
    events = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [event, 1, event]}
    explained = MASKER.explain_document(events)
    assert [item["requestObject"][0]["value"] for item in explained.masked["items"][::2]] == [
        placeholder("secret-data", "hunter2")
    ] * 2
    assert list(explained.masked) == list(events)
    assert [finding.path for finding in explained.findings] == [
        f"items[{i}].requestObject > [0] data.x" for i in (0, 2)
    ]


def test_one_event_is_a_document() -> None:
    """A line of an audit log file has its kind."""
    event = {"kind": "Event", "apiVersion": "audit.k8s.io/v1", "requestURI": "/api/v1/nodes/n/proxy?token=hunter2"}
    assert MASKER.mask_document(event)["requestURI"].endswith(f"?token={placeholder('proxy-queries', 'hunter2')}")


def test_a_deletion_has_options_not_an_object() -> None:
    """DeleteOptions of a Secret stay readable."""
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
    event = {"verb": "delete", "objectRef": {"resource": "secrets"}, "requestObject": options}
    assert MASKER.mask_event(event) == event


def test_a_request_body_may_lie_about_its_kind() -> None:
    """What the API server read from the URL counts."""
    event = {
        "verb": "patch",
        "objectRef": {"resource": "secrets"},
        "requestObject": {"kind": "Pod", "data": {"x": "hunter2"}},
    }
    assert MASKER.mask_event(event)["requestObject"]["data"] == {"x": placeholder("secret-data", "hunter2")}


def test_metadata_level_is_masked_too() -> None:
    """URI, message, annotations, extra and user agent of an event without bodies."""
    url = "https://me:hunter2@host"
    event = {
        "requestURI": f"/x?to={url}",
        "responseStatus": {"message": f"cannot reach {url}"},
        "annotations": {"a": url},
        "user": {"username": "bot", "extra": {"from": [url]}},
        "userAgent": f"curl ({url})",
    }
    assert "hunter2" not in str(MASKER.mask_event(event))
