"""Documents come out of YAML and JSON with their lines, and whatever is hostile ends in one line, soon."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubescrow.manifests.document import Unreadable
from kubescrow.manifests.stream import documents


def read(content: bytes | str) -> list[tuple[int, int, Any]]:
    """Number, line and value of each document."""
    raw = content.encode() if isinstance(content, str) else content
    return [(document.number, document.line, document.value) for document in documents(raw)]


GOOD: dict[str, tuple[bytes | str, list[tuple[int, int, Any]]]] = {
    "nothing": ("", []),
    "comments alone": ("# a\n---\n# b\n", []),
    "one document": ("a: 1\n", [(1, 1, {"a": 1})]),
    "empty ones are counted and left out": ("---\n---\nnull\n---\na: 1\n", [(3, 5, {"a": 1})]),
    "the line is that of the first value": ("# a\n\n---\n# b\na: 1\n", [(1, 5, {"a": 1})]),
    "an end and no new beginning": ("a: 1\n...\n", [(1, 1, {"a": 1})]),
    "with a byte order mark": (b"\xef\xbb\xbfa: 1", [(1, 1, {"a": 1})]),
    "with line ends of Windows": ("a: 1\r\n---\r\nb: 2\r\n", [(1, 1, {"a": 1}), (2, 3, {"b": 2})]),
    "JSON": ('{"a": "\\ud83d\\ude00"}', [(1, 1, {"a": "😀"})]),
    "JSON over JSON": ('{"a":1}{"b":2}\n\n{"c":3}', [(1, 1, {"a": 1}), (2, 1, {"b": 2}), (3, 3, {"c": 3})]),
    "JSON between separators": ('{"a": 1}\n---\n{"b": 2}', [(1, 1, {"a": 1}), (2, 3, {"b": 2})]),
    "a flow mapping": ("{a: 1}", [(1, 1, {"a": 1})]),
    "a flow mapping with quoted keys": ('{"a": b,}', [(1, 1, {"a": "b"})]),
    "an alias": ("a: &x {b: 1}\nc: *x", [(1, 1, {"a": {"b": 1}, "c": {"b": 1}})]),
    "an anchor of one document is not known in the next": ("a: &x 1\n---\nb: 2", [(1, 1, {"a": 1}), (2, 3, {"b": 2})]),
    "a list at the top": ("- 1\n- [2]", [(1, 1, [1, [2]])]),
    "an explicit key": ("? a\n: 1", [(1, 1, {"a": 1})]),
    "a merge under what follows it": ("a: &x {b: 1}\nc: {<<: *x, b: 2}", [(1, 1, {"a": {"b": 1}, "c": {"b": 2}})]),
    "a quoted << is a key": ("'<<': 1", [(1, 1, {"<<": 1})]),
}


@pytest.mark.parametrize(("content", "found"), GOOD.values(), ids=GOOD.keys())
def test_what_is_read(content: bytes | str, found: list[tuple[int, int, Any]]) -> None:
    """In order, with its number and line."""
    assert read(content) == found


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)
TOO_LARGE = "the document is too large; allowed: 2000000 values and 33554432 characters, aliases unfolded"
TWICE = "the same key twice in one"
DEEP = "nested too deeply; allowed: some 250 levels"
BAD: dict[str, tuple[bytes | str, int, str]] = {
    "no YAML": ("a: 1\nb: c: d", 2, "not YAML: mapping values are not allowed in this context"),
    "an open bracket": ("a: [1\nb: 2", 2, "not YAML: did not find expected ',' or ']'"),
    "a template of helm": ("a:\n  {{- if .Values.a }}\n", 2, "not YAML: "),
    "binary": (b"\x7fELF\x01\x02\xff\xfe", 1, "not text in UTF-8"),
    "binary after a line": (b"a: 1\n\xff", 2, "not text in UTF-8"),
    "UTF-16": ("a: 1".encode("utf-16"), 1, "not text in UTF-8"),
    "a NUL": (b"a: 1\nb: \x00", 2, "not YAML: a character that YAML does not allow"),
    "over the limit": (b"#" * (32 * 1024 * 1024 + 1), 1, "too large; allowed: 33554432 bytes"),
    "a bomb of aliases": (BOMB, 7, TOO_LARGE),
    "a bomb of one long text": ("a: &a " + "x" * 1_000_000 + "\nb: [" + "*a," * 40 + "]", 2, TOO_LARGE),
    "a bomb of merges": (
        "a: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\nb:\n" + "- {<<: *a}\n" * 1000,
        1000,
        TOO_LARGE,
    ),
    "an alias of itself": ("a: &a [*a]", 1, "an alias of the value that it is in"),
    "an alias of nothing": ("a: *b", 1, "an alias of an anchor that is not in the document"),
    "10,000 levels of YAML": ("[" * 10_000, 1, "not YAML: exceeded maximum nesting depth"),
    "10,000 levels of indentation": ("".join(" " * n + "a:\n" for n in range(2000)), 1000, "not YAML: exceeded"),
    "100,000 levels of JSON": ('{"a":' * 100_000, 1, DEEP),
    "too many values of JSON": ('{"a": [' + "[]," * 2_000_000, 1, "too many values; allowed: 2000000"),
    "a key twice": ("a: 1\nb: 2\na: 3", 3, TWICE),
    "a key twice in other words": ("on: 1\ntrue: 3", 2, TWICE),
    "a key twice in JSON": ('{"a": 1,\n"a": 1}', 1, TWICE),
    "a list as a key": ("[a]: 1", 1, "a key that is null, a list or a mapping"),
    "nothing as a key": ("~: 1", 1, "a key that is null, a list or a mapping"),
    "an alias of a list as a key": ("a: &a []\n*a : 1", 2, "a key that is null, a list or a mapping"),
    "infinity": ("a: .inf", 1, "a number that JSON cannot hold"),
    "infinity as a key": (".inf: a", 1, "a number that JSON cannot hold"),
    "infinity in JSON": ('{"a": 1e999}', 1, "a number that no double holds"),
    "NaN in JSON": ('{"a": NaN}', 1, "a number that no double holds"),
    "5,000 digits in JSON": ('{"a": ' + "9" * 5000 + "}", 1, "a number that no double holds"),
    "a second JSON that is none": ('{"a":1}\n{"b"', 2, "not JSON"),
    "a tag that makes objects": ("a: !!python/object/apply:os.system [id]", 1, "a tag that is not allowed here"),
    "a tag of binary": ("a: !!binary aGk=", 1, "a tag that is not allowed here"),
    "a merge of a text": ("<<: a", 1, "a merge (<<) of something else"),
    "a merge of texts": ("<<: [{a: 1}, b]", 1, "a merge (<<) of something else"),
}


@pytest.mark.parametrize(("content", "line", "reason"), BAD.values(), ids=BAD.keys())
def test_what_is_refused(content: bytes | str, line: int, reason: str) -> None:
    """With the line and the reason, and without a word of the content."""
    with pytest.raises(Unreadable) as refused:
        read(content)
    assert refused.value.reason.startswith(reason)
    assert refused.value.line == line


def test_documents_before_a_broken_one_are_read() -> None:
    """So that one run tells more than one mistake."""
    stream = documents(b"a: 1\n---\nb: 2\nb: 3\n---\nc: 4")
    assert next(stream).value == {"a": 1}
    with pytest.raises(Unreadable, match=r"^line 4: the same key twice"):
        next(stream)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(), VALUES))
def test_any_json_is_read_as_it_is(value: dict[str, Any]) -> None:
    """As by any other JSON parser."""
    assert read(json.dumps(value)) == [(1, 1, value)]


@given(st.binary(max_size=60) | st.text("a1:{}[]-&*!<'\"|>#,?%\n ~", max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes | str) -> None:
    """Nothing else comes out."""
    reason, line = "", 1
    try:
        read(content)
    except Unreadable as refused:
        reason, line = refused.reason, refused.line
    assert line >= 1
    assert "\n" not in reason
