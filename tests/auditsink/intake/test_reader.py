"""Any JSON is read; what parsers refuse or read differently becomes something that all of them take."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditsink.intake.reader import SLOW_LIMIT_BYTES, Reading, Unreadable, _slow, read

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 1]), st.booleans())
def test_the_slow_reader_reads_as_the_fast_one(value: dict[str, Any], indent: int | None, escape: bool) -> None:
    """So that an event means the same on either way."""
    text = json.dumps(value, indent=indent, ensure_ascii=escape).encode()
    assert _slow(text) == (value, False)
    assert read(text) == Reading(value, False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(r'"\ud800"', "\\ud800", id="a lone surrogate"),
        pytest.param(r'"a\udfffb\ud83d\ude00"', "a\\udfffb😀", id="a lone surrogate beside a pair"),
        pytest.param('"\udcff"', "\\udcff", id="a byte that is no UTF-8"),
        pytest.param("1e400", "1e400", id="a number beyond all doubles"),
        pytest.param("-1e400", "-1e400", id="a number below all doubles"),
        pytest.param("18446744073709551616", "18446744073709551616", id="an integer over 64 bits"),
        pytest.param("9" * 5000, "9" * 64 + "…", id="an integer of 5,000 digits"),
        pytest.param('{"a":1,"a":2}', {"a": 2}, id="a repeated key: the last counts"),
        pytest.param(r'{"a":"\u0022\u0022","a":2}', {"a": 2}, id="a repeated key that escaped quotes make up for"),
    ],
)
def test_what_parsers_do_not_agree_on_is_replaced(text: str, value: Any) -> None:
    """By something visible; and that is said."""
    reading = read(b'{"x":' + text.encode("utf-8", "surrogateescape") + b"}")
    assert reading == Reading({"x": value}, True)
    assert orjson.loads(orjson.dumps(reading.event)) == reading.event


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1e3", 1000.0),
        (r'"\u003c\u0000\u0022"', '<\0"'),
        ('"12345678901234567890123"', "12345678901234567890123"),
    ],
)
def test_what_all_agree_on_is_not_called_repaired(text: str, value: Any) -> None:
    """However it is written."""
    assert read(b'{"x":' + text.encode() + b"}") == Reading({"x": value}, False)


@pytest.mark.parametrize("levels", [250, 260, 1100, 9900, 100_000])
def test_nesting_has_no_limit(levels: int) -> None:
    """Every level is there."""
    value: Any = read(b'{"x":' + b"[" * levels + b"1" + b"]" * levels + b"}").event["x"]
    for _ in range(levels):
        (value,) = value
    assert value == 1


@pytest.mark.parametrize(
    "text", ["[1]", "17", '"a"', "", "{", '{"a":NaN}', '{"a":01}', '{"a":"\\x"}', '{"a":"\x01"}', "{}x"]
)
def test_what_is_no_json_object_is_unreadable(text: str) -> None:
    """The grammar is not negotiable."""
    with pytest.raises(Unreadable):
        read(text.encode())


def test_the_slow_reader_has_a_limit() -> None:
    """A huge event that only the slow reader could take would hold everybody up."""
    with pytest.raises(Unreadable, match="too large"):
        read(b'{"a":"\\ud800' + b"x" * SLOW_LIMIT_BYTES + b'"}')


def test_numbers_stay_finite() -> None:
    """No infinity gets in where JSON has none."""
    value = read(b'{"x":[1.5,1e308]}').event["x"]
    assert all(math.isfinite(number) for number in value)
