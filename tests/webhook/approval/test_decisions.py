"""A chain counts only as we signed it: whole, in order, on this approval, with this spec."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.approval.build import KEY, approval, entry, signed
from webhook.admission.request import User
from webhook.approval.decisions import (
    ENTRIES_LIMIT,
    BrokenChain,
    Decision,
    Entry,
    append,
    follows,
    verified,
    write,
)

APPROVAL = approval()
SEAL = KEY.seal(APPROVAL)
TEXT = st.text(st.characters(), max_size=20)
ENTRIES = st.builds(
    Entry,
    st.sampled_from(Decision),
    st.builds(User, TEXT, TEXT, st.lists(TEXT, max_size=3).map(tuple)),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)),
    st.lists(TEXT, max_size=3).map(tuple),
    TEXT,
)
CHAINS = st.lists(ENTRIES, min_size=1, max_size=5).map(lambda entries: signed(APPROVAL, *entries))
LONG_CHAINS = st.lists(ENTRIES, min_size=2, max_size=5).map(lambda entries: signed(APPROVAL, *entries))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)
KEYS = ("decision", "user", "at", "policies", "reason", "keyId", "mac")


def text_of(items: list[Any]) -> str:
    """Write entries, whatever they are, as the annotation is written."""
    return json.dumps(items, separators=(",", ":"))


@given(CHAINS)
def test_a_signed_chain_is_read_as_it_was_written(chain: tuple[Entry, ...]) -> None:
    """Every text in any script survives the annotation, and the newest MAC is remembered to be there."""
    assert verified(write(chain), SEAL) == chain
    assert follows(chain, chain[-1].mac)


@given(CHAINS, st.data())
def test_a_changed_field_breaks_the_chain(chain: tuple[Entry, ...], data: st.DataObject) -> None:
    """No value of any field of any entry can be exchanged for another one, of any type."""
    items = json.loads(write(chain))
    place = data.draw(st.integers(0, len(items) - 1))
    key = data.draw(st.sampled_from(KEYS))
    old = items[place][key]
    items[place][key] = data.draw(JSON.filter(lambda new: text_of([new]) != text_of([old])))
    with pytest.raises(BrokenChain) as broken:
        verified(text_of(items), SEAL)
    assert broken.value.index == place


@given(CHAINS, st.sampled_from(["username", "uid", "groups"]), JSON)
def test_a_changed_author_breaks_the_chain(chain: tuple[Entry, ...], key: str, junk: Any) -> None:
    """Nobody can be made the author of what somebody else said."""
    items = json.loads(write(chain))
    before = text_of(items)
    items[0]["user"][key] = junk
    if text_of(items) != before:
        with pytest.raises(BrokenChain, match="entry 0"):
            verified(text_of(items), SEAL)
    else:
        assert verified(before, SEAL) == chain


@given(LONG_CHAINS, st.data())
def test_an_entry_cut_from_the_middle_breaks_the_chain(chain: tuple[Entry, ...], data: st.DataObject) -> None:
    """A denial cannot be taken out from before an approval."""
    place = data.draw(st.integers(0, len(chain) - 2))
    with pytest.raises(BrokenChain) as broken:
        verified(write(chain[:place] + chain[place + 1 :]), SEAL)
    assert broken.value.index == place


@given(CHAINS, st.data())
def test_a_cut_tail_is_noticed_by_what_was_remembered(chain: tuple[Entry, ...], data: st.DataObject) -> None:
    """A shorter chain verifies by itself, but it does not follow the MAC that the status remembers."""
    left = data.draw(st.integers(0, len(chain) - 1))
    shorter = verified(write(chain[:left]), SEAL)
    assert shorter == chain[:left]
    assert not follows(shorter, chain[-1].mac)


@given(LONG_CHAINS, st.data())
def test_reordered_entries_break_the_chain(chain: tuple[Entry, ...], data: st.DataObject) -> None:
    """Entries count only in the order in which they were made."""
    order = data.draw(st.permutations(range(len(chain))).filter(lambda order: list(order) != sorted(order)))
    with pytest.raises(BrokenChain):
        verified(write([chain[place] for place in order]), SEAL)


@given(CHAINS, st.data())
def test_an_entry_given_twice_breaks_the_chain(chain: tuple[Entry, ...], data: st.DataObject) -> None:
    """One approval cannot be made two by repeating it."""
    twice = (*chain, data.draw(st.sampled_from(chain)))
    with pytest.raises(BrokenChain) as broken:
        verified(write(twice), SEAL)
    assert broken.value.index == len(chain)


@given(LONG_CHAINS, ENTRIES)
def test_an_entry_of_another_history_breaks_the_chain(chain: tuple[Entry, ...], other: Entry) -> None:
    """What was signed at the same place of the same approval after something else was said does not fit here."""
    fork = signed(APPROVAL, other, *chain[1:])
    if fork[0] == chain[0]:
        assert fork == chain
    else:
        with pytest.raises(BrokenChain, match="entry 1: wrong MAC"):
            verified(write((chain[0], *fork[1:])), SEAL)


@pytest.mark.parametrize(
    "seal",
    [
        pytest.param(replace(SEAL, approval_uid="another-uid"), id="moved to another approval"),
        pytest.param(replace(SEAL, spec_digest="0" * 64), id="moved to another spec"),
        pytest.param(replace(SEAL, key=b"1" * 32), id="signed with another key under the same id"),
        pytest.param(replace(SEAL, key_id="key-2"), id="signed with a key that is not known"),
    ],
)
@given(chain=CHAINS)
def test_a_chain_counts_nowhere_else(seal: Any, chain: tuple[Entry, ...]) -> None:
    """What was signed for one approval, spec and key says nothing under another."""
    with pytest.raises(BrokenChain, match="entry 0"):
        verified(write(chain), seal)


@given(CHAINS, ENTRIES, st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_forged_entry_breaks_the_chain(chain: tuple[Entry, ...], forged: Entry, mac: str) -> None:
    """Without the key nobody can add an entry."""
    with pytest.raises(BrokenChain) as broken:
        verified(write((*chain, replace(forged, key_id=SEAL.key_id, mac=mac))), SEAL)
    assert (broken.value.index, broken.value.why) == (len(chain), "wrong MAC")


def counted(annotation: str) -> int:
    """The number of entries that count in an annotation; none if it is broken."""
    try:
        return len(verified(annotation, SEAL))
    except BrokenChain:
        return 0


@given(st.text(st.characters()))
def test_garbage_text_raises_nothing_but_broken_chain(annotation: str) -> None:
    """An annotation may hold any text; a reader of approvals must survive all of it."""
    assert counted(annotation) == 0


@given(JSON)
def test_garbage_json_raises_nothing_but_broken_chain(document: Any) -> None:
    """An annotation may hold any JSON, Python's NaN and Infinity included."""
    assert counted(json.dumps(document)) == 0


USERS = st.fixed_dictionaries({"username": JSON, "uid": JSON, "groups": JSON}) | JSON


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(KEYS, JSON) | {"user": USERS}), max_size=3))
def test_entries_full_of_garbage_raise_nothing_but_broken_chain(items: list[Any]) -> None:
    """Entries with the right keys and wrong values of every type are as harmless as any other text."""
    assert counted(json.dumps(items)) == 0


GOOD = write(signed(APPROVAL, entry("ann"), entry("bob", Decision.DENIED)))


def changed(**fields: Any) -> str:
    """The good chain with other values in its first entry."""
    items = json.loads(GOOD)
    return text_of([items[0] | fields, *items[1:]])


@pytest.mark.parametrize(
    "annotation",
    [
        pytest.param(changed(reason=float("nan")), id="a reason that is NaN"),
        pytest.param(changed(mac=5), id="a MAC that is a number"),
        pytest.param(changed(mac="ü" * 64), id="a MAC outside of ASCII"),
        pytest.param(changed(policies="production"), id="policies that are one text"),
        pytest.param(changed(policies=[["production"]]), id="policies in a list too many"),
        pytest.param(changed(at="0001-01-01T00:00:00+23:59"), id="a time before the calendar"),
        pytest.param(changed(at="2026-11-23T15:04:05+01:00"), id="the same moment in another zone"),
        pytest.param(changed(at="2026-11-23T14:04:05.000Z"), id="the same moment with more digits"),
        pytest.param(changed(at="20261123T140405Z"), id="the same moment in basic form"),
        pytest.param(changed(more="x"), id="a field more"),
        pytest.param(GOOD.replace('"ann"', '"\\u0061nn"'), id="the same name in another spelling"),
        pytest.param(GOOD.replace('[{"decision":', '[{"decision":"denied","decision":'), id="a key given twice"),
        pytest.param(f"{GOOD} ", id="white space at the end"),
        pytest.param("[ ]", id="an empty list in another form"),
        pytest.param("[" * 100_000, id="nested deeper than the stack"),
        pytest.param(changed(reason=json.loads("[" * 600 + "]" * 600)), id="a reason nested 600 deep"),
        pytest.param("[" + "9" * 5000 + "]", id="a number of 5,000 digits"),
        pytest.param(text_of([json.loads(GOOD)[0]] * (ENTRIES_LIMIT + 1)), id="more entries than the limit"),
        pytest.param("null", id="null"),
        pytest.param("{}", id="an object"),
    ],
)
def test_anything_but_the_one_form_is_broken(annotation: str) -> None:
    """Two readers of one annotation can never see two different chains."""
    with pytest.raises(BrokenChain):
        verified(annotation, SEAL)


@pytest.mark.parametrize("annotation", ["", "[]"], ids="{!r} holds no entry".format)
def test_no_entries_are_a_chain_too(annotation: str) -> None:
    """An approval on which nobody decided has an empty chain, in which nothing is missing."""
    assert verified(annotation, SEAL) == ()
    assert follows((), "")


@pytest.mark.parametrize("remembered", ["0" * 64, "ü"], ids="remembered {!r} is not in it".format)
def test_a_remembered_mac_that_is_nowhere_does_not_follow(remembered: str) -> None:
    """Whatever the status remembers, a chain without it was cut."""
    assert not follows(verified(GOOD, SEAL), remembered)


def test_below_a_second_nothing_is_signed() -> None:
    """An entry made within a second is signed and read as of its beginning."""
    late = entry("ann", at=datetime(2026, 11, 23, 14, 4, 5, 999_999, tzinfo=UTC))
    (read,) = verified(write(append((), late, SEAL)), SEAL)
    assert read.at == datetime(2026, 11, 23, 14, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("shown", [repr, str], ids=["repr", "str"])
def test_a_seal_does_not_show_its_key(shown: Callable[[object], str]) -> None:
    """The key cannot get into a log with the value that holds it."""
    assert "000" not in shown(SEAL).replace(SEAL.spec_digest, "") + shown(KEY)
