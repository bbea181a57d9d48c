"""One event becomes one record: bounded, masked, keyed by its exact bytes; nothing makes it fail."""

from __future__ import annotations

import dataclasses
import zlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditsink.intake.columns import LENGTHS
from auditsink.intake.event import Keys, Recorder
from auditsink.intake.record import Flag, Record
from masking import MaskingKey
from tests.auditsink.samples import AUDIT_ID, BOT, JTI, POISON, event, raw, user

KEYS = Keys(MaskingKey("k1", b"m" * 32), b"d" * 32)
RECORDER = Recorder(KEYS)
WHOLE = (
    Flag.QUARANTINED, Flag.QUARANTINED | Flag.UNBOUND, Flag.REPAIRED, Flag.REPAIRED | Flag.UNBOUND, Flag.UNBOUND,
    Flag.UNBOUND | Flag.TRUNCATED, Flag(0),
)  # fmt: skip


def record(value: bytes | dict[str, Any], cluster: str = "prod") -> Record:
    """The record of an event."""
    return RECORDER.record(value if isinstance(value, bytes) else raw(value), cluster=cluster)


def body(made: Record) -> Any:
    """What is kept of the event."""
    return orjson.loads(zlib.decompress(made.body))


def test_every_column_of_an_ordinary_event() -> None:
    """All of it, once."""
    made = record(
        event(
            user=user(credential_id=JTI, pod_name="bot-0", pod_uid="1b4e0e96-6b04-404d-968e-c84392da18d3"),
            objectRef={"apiGroup": "apps", "resource": "deployments", "subresource": "scale", "namespace": "prod",
                       "name": "web", "apiVersion": "v1"},
        )
    )  # fmt: skip
    assert dataclasses.replace(
        made, body=b"", dedup=b"", identity=dataclasses.replace(made.identity, session="")
    ) == Record(
        cluster="prod",
        day=20782,
        dedup=b"",
        time_us=1_795_635_633_136_412,
        stage_time_us=1_795_635_633_140_000,
        audit_id=AUDIT_ID,
        level="RequestResponse",
        stage="ResponseComplete",
        verb="patch",
        identity=dataclasses.replace(
            made.identity,
            session="",
            username=BOT,
            kind="pod",
            key="1b4e0e96-6b04-404d-968e-c84392da18d3",
            pod="agents/bot-0",
        ),
        authenticated_as=BOT,
        api_group="apps",
        resource="deployments",
        subresource="scale",
        namespace="prod",
        name="web",
        code=200,
        credential=JTI,
        source_ip="10.0.0.7",
        user_agent="kubectl/v1.37.2",
    )


def test_the_key_is_of_the_exact_bytes() -> None:
    """One byte more is another event; the same bytes are the same event, for every cluster and masking key."""
    text = raw(event())
    other = Recorder(Keys(MaskingKey("k2", b"n" * 32), KEYS.dedup))
    assert record(text).dedup == other.record(text, cluster="x").dedup
    assert record(text).dedup != record(text.replace(b"{", b"{ ", 1)).dedup
    assert record(text).dedup != Recorder(Keys(KEYS.masking, b"e" * 32)).record(text, cluster="prod").dedup
    assert len(record(text).dedup) == 16


@pytest.mark.parametrize("name", POISON)
def test_a_poisoned_event_becomes_a_record_that_a_database_takes(name: str) -> None:
    """Kept, masked, flagged where something is not as it came; every text bounded and visible, every number small."""
    made = record(POISON[name])
    assert made.flags in WHOLE
    assert b"hunter2" not in zlib.decompress(made.body)
    assert b"aHVudGVyMi1jYW5hcnk" not in zlib.decompress(made.body)
    body(made)
    for column, length in LENGTHS.items():
        text = getattr(made, column, "") or getattr(made.identity, column, "")
        assert len(text) <= length
        assert text.isprintable() or "\u2400" in text
        text.encode()


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("a lone surrogate", Flag.REPAIRED),
        ("nesting 1,100 deep", Flag.REPAIRED),
        ("nesting 9,900 deep", Flag.REPAIRED),
        ("a number that no double holds", Flag.REPAIRED),
        ("an integer over 64 bits", Flag.REPAIRED),
        ("repeated keys", Flag.REPAIRED),
        ("bytes that are no UTF-8", Flag.REPAIRED),
        ("an auditID of 1 MiB", Flag.TRUNCATED),
        ("a name of 1 MiB", Flag.TRUNCATED),
        ("a raw control character", Flag.QUARANTINED),
        ("an object that never ends", Flag.QUARANTINED),
        ("an object that is no event", Flag.QUARANTINED),
    ],
)
def test_what_was_changed_is_flagged(name: str, flag: Flag) -> None:
    """Repaired if it could be read, truncated if it was cut, quarantined if not."""
    assert flag in record(POISON[name]).flags


@given(st.binary(max_size=200) | st.integers(0, 900).map(lambda cut: raw(event())[:cut]))
def test_any_bytes_become_a_record(text: bytes) -> None:
    """Nothing raises, and what is kept is JSON."""
    assert body(record(text))


def test_of_a_quarantined_event_only_harmless_fields_are_kept() -> None:
    """Who, what, when; then length, hash and a placeholder that equal texts share."""
    secret = raw(event(user=user(credential_id=JTI), userAgent="hunter2-canary", requestObject={"a": "hunter2-canary"}))
    made = record(secret[:-3])
    assert body(made) == {
        "stageTimestamp": "2026-11-25T19:40:33.140000Z",
        "requestReceivedTimestamp": "2026-11-25T19:40:33.136412Z",
        "level": "RequestResponse",
        "auditID": AUDIT_ID,
        "stage": "ResponseComplete",
        "verb": "patch",
        "user": {"username": BOT, "extra": {"authentication.kubernetes.io/credential-id": [JTI]}},
        "objectRef": {"resource": "configmaps", "namespace": "prod"},
        "quarantine": {
            "reason": "not JSON",
            "length": len(secret) - 3,
            "hash": made.dedup.hex(),
            "text": body(made)["quarantine"]["text"],
        },
    }
    assert body(made)["quarantine"]["text"].startswith("[masked:quarantine:k1")
    assert (made.identity.kind, made.identity.key, made.day) == ("credential", JTI, 20782)


def test_a_quarantined_field_must_have_exactly_its_form() -> None:
    """A secret in the place of a field is not kept."""
    lie = event(level="hunter2", auditID="hunter2", stage="hunter2", verb="hunter2", stageTimestamp="hunter2",
                requestReceivedTimestamp="hunter2", user=user("hunter2", credential_id="JTI=hunter2"))  # fmt: skip
    assert b"hunter2" not in zlib.decompress(record(raw(lie)[:-2]).body)


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        pytest.param({"impersonatedUser": user("alice")}, Flag.IMPERSONATED, id="impersonation"),
        pytest.param({"user": user(BOT)}, Flag.UNBOUND, id="a static token"),
        pytest.param({"annotations": {"audit.k8s.io/truncated": "true"}}, Flag.TRUNCATED, id="cut by the API server"),
        pytest.param(
            {"annotations": {"failed-open.validating.webhook.admission.k8s.io/round_0_index_1": "x"}},
            Flag.FAILED_OPEN,
            id="a skipped webhook",
        ),
        pytest.param({"requestURI": "/api/v1/pods?x=1&dryRun=All"}, Flag.DRY_RUN, id="dry run in the URI"),
        pytest.param(
            {"verb": "delete", "requestObject": {"kind": "DeleteOptions", "dryRun": ["All"]}},
            Flag.DRY_RUN,
            id="dry run in the options of a deletion",
        ),
        pytest.param(
            {"verb": "create", "requestObject": {"kind": "Eviction", "deleteOptions": {"dryRun": ["All"]}}},
            Flag.DRY_RUN,
            id="dry run in the options of an eviction",
        ),
    ],
)
def test_what_is_remarkable_is_flagged(changes: dict[str, Any], flag: Flag) -> None:
    """And nothing of it in an ordinary event."""
    assert flag in record(event(**{"user": user(credential_id=JTI)} | changes)).flags
    assert record(event(user=user(credential_id=JTI), requestURI="/api/v1/x?dryRun=")).flags == Flag(0)


def test_a_time_that_is_not_readable_is_a_fixed_day() -> None:
    """The day is a function of the bytes, whatever they are."""
    made = record(POISON["times out of range"])
    assert (made.day, made.time_us, made.stage_time_us) == (0, 0, 0)


def test_the_birth_of_a_token_is_noted() -> None:
    """As the credential id that its bearer will show."""
    assert (
        record(event(annotations={"authentication.kubernetes.io/issued-credential-id": JTI})).issued_credential == JTI
    )


def test_a_secret_is_masked_in_body_and_columns() -> None:
    """A Secret's data, in request, response and wherever the event repeats it."""
    made = record(
        event(
            objectRef={"resource": "secrets", "namespace": "prod", "name": "db"},
            requestObject={"stringData": {"p": "hunter2-canary"}},
            responseObject={"kind": "Secret", "apiVersion": "v1", "data": {"p": "aHVudGVyMi1jYW5hcnk="}},
            responseStatus={"code": 422, "message": "invalid: hunter2-canary"},
            userAgent="curl hunter2-canary",
        )
    )
    assert "hunter2" not in zlib.decompress(made.body).decode() + made.user_agent
    assert b"aHVudGVy" not in zlib.decompress(made.body)
