"""A batch is split into exactly the bytes of its events, and one broken event costs no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditsink.intake import recovery
from auditsink.intake.batch import NotAnEventList, split
from auditsink.intake.scanner import Outline, outline
from tests.auditsink.samples import POISON, batch, event, numbered, raw

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
EVENTS = JSON_VALUES.map(lambda value: raw(event(requestObject=value)))
PIECES = st.sampled_from(
    [*(bytes([c]) for c in b'{}[],:"\\ 1'), b'":', b'],"', b"null", b"\xff", b"\x00", b'{"a":[{"b":']
)


def slices(body: bytes) -> list[bytes]:
    """What the body is split into."""
    return [bytes(each) for each in split(body).slices]


@st.composite
def corrupted(draw: st.DrawFn) -> bytes:
    """An event of which a stretch is lost or replaced by something, or something else altogether."""
    whole = draw(EVENTS)
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, len(whole)))
    return whole[:start] + b"".join(draw(st.lists(PIECES, max_size=6))) + whole[end:]


@given(st.lists(EVENTS, max_size=5))
def test_both_ways_split_into_the_bytes_that_were_joined(events: list[bytes]) -> None:
    """The fast and the careful way agree, so that a batch sent again has the same keys."""
    body = batch(events)
    ranges, is_complete = recovery.items(body, body.index(b'"items":[') + len(b'"items":['))
    assert slices(body) == events
    assert ([body[start:end] for start, end in ranges], is_complete) == (events, True)


@given(
    st.lists(EVENTS, max_size=3), corrupted() | st.lists(PIECES, max_size=8).map(b"".join), st.lists(EVENTS, max_size=3)
)
@example([], b'{"auditID":"x","a":[1', [raw(event())])
@example([], b'{"auditID":"x"}],"x":[1', [raw(event())])
@example([raw(event())], b'{"a":1}]}', [raw(event())])
@example([raw(event())], b"", [raw(event())])
def test_one_corrupted_event_costs_no_other(before: list[bytes], broken: bytes, after: list[bytes]) -> None:
    """Whatever stands in one item's place, every other item is found, whole, and in order."""
    found = slices(batch([*before, broken, *after]))
    assert found[: len(before)] == before
    assert not after or found[-len(after) :] == after


@pytest.mark.parametrize("name", POISON)
@pytest.mark.parametrize("place", [0, 200, 399], ids=["first", "in the middle", "last"])
def test_399_of_400_events_survive(name: str, place: int) -> None:
    """Each poison, wherever it stands in a batch."""
    innocent = numbered(399)
    found = slices(batch([*innocent[:place], POISON[name], *innocent[place:]]))
    assert found[:place] == innocent[:place]
    assert found[len(found) - (399 - place) :] == innocent[place:]
    assert len(found) == 400


@given(st.data())
def test_of_half_a_body_every_whole_event_is_kept(data: st.DataObject) -> None:
    """The list does not end: that is said, and what came is there."""
    events = numbered(4)
    body = batch(events)
    cut = data.draw(st.integers(body.index(b"[") + 1, body.rindex(b"]")))
    found = split(body[:cut])
    whole = [each for each in events if body.index(each) + len(each) <= cut]
    assert [bytes(each) for each in found.slices][: len(whole)] == whole
    assert not found.is_complete


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b"", "body: found what is not a JSON object", id="nothing"),
        pytest.param(b"hello", "body: found what is not a JSON object", id="a word"),
        pytest.param(b"[1,2]", "body: found what is not a JSON object", id="a list"),
        pytest.param(b'{"kind":"Event"', 'kind: found "Event"; allowed: EventList', id="half of something else"),
        pytest.param(b"{}", "kind: found nothing; allowed: EventList", id="an empty object"),
        pytest.param(raw({"kind": "Pod", "items": []}), 'kind: found "Pod"; allowed: EventList', id="another kind"),
        pytest.param(
            raw({"kind": "EventList", "apiVersion": "audit.k8s.io/v1beta1", "items": []}),
            'apiVersion: found "audit.k8s.io/v1beta1"; allowed: audit.k8s.io/v1',
            id="an old version",
        ),
        pytest.param(
            raw({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": {}}),
            "items: found no list; allowed: a list of audit events",
            id="items that are no list",
        ),
        pytest.param(
            raw({"kind": "EventList", "apiVersion": "audit.k8s.io/v1"}),
            "items: found no list; allowed: a list of audit events",
            id="no items",
        ),
        pytest.param(raw({"kind": "x" * 100, "items": []}), f'kind: found "{"x" * 38}…; allowed: EventList', id="long"),
    ],
)
def test_what_is_no_event_list_is_refused_by_field(body: bytes, text: str) -> None:
    """Field, what was found, what is allowed."""
    with pytest.raises(NotAnEventList) as refused:
        split(body)
    assert str(refused.value).startswith(text)


@pytest.mark.parametrize("poison", [b"", b'{"a":"\\ud800"}'], ids=["fast", "careful"])
def test_a_sender_may_write_the_fields_in_any_order(poison: bytes) -> None:
    """Kind and version may stand behind the items."""
    items = b",".join(part for part in (raw(event()), poison) if part)
    body = b'{ "apiVersion" : "audit.k8s.io/v1", "items" : [ ' + items + b' ] , "kind" : "EventList" }'
    assert len(split(body).slices) == (2 if poison else 1)


def test_hostile_repetition_ends_in_linear_time() -> None:
    """Items that each look as if the rest of the body belonged to them."""
    body = batch([b'{"auditID":"x","a":[1'] * 20_000 + [raw(event())])
    assert slices(body)[-1] == raw(event())


@given(JSON_VALUES)
def test_the_scanner_knows_what_json_is(value: Any) -> None:
    """Every JSON text is one whole value, and stops being one where it is cut."""
    text = json.dumps({"a": value}).encode()
    assert outline(text) == Outline(len(text), True, {b"a": (6, len(text) - 1)})
    assert not outline(text[:-1]).is_whole
