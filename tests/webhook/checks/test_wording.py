"""Text from outside is one visible, bounded line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.checks.wording import MESSAGE_LIMIT, QUOTED_LIMIT, one_line, quoted


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("two\nlines\r\n\tand a tab", "two lines and a tab"),
        ("\x1b[31mred", "[31mred"),
        ("right\u202eto\u200bleft", "righttoleft"),
        ("half \ud800 character", "half character"),
        ("Grüße, 日本", "Grüße, 日本"),
        ("a\u2028b", "a b"),
    ],
)
def test_one_line(text: str, line: str) -> None:
    """What cannot be seen goes, what can be read stays."""
    assert one_line(text) == line


def test_cut() -> None:
    """A long text ends in dots."""
    assert one_line("x" * 600) == "x" * (MESSAGE_LIMIT - 3) + "..."


@given(st.text(st.characters()))
def test_any_text(text: str) -> None:
    """Whatever the text, the line is printable and short, and lining it again changes nothing."""
    line = one_line(text, 40)
    assert line.isprintable()
    assert len(line) <= 40
    assert one_line(line, 40) == line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\n", '"a\\n"'),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        ({}, "an object"),
        ([1], "a list"),
        (b"x", "a value of type bytes"),
    ],
)
def test_quoted(value: Any, text: str) -> None:
    """A value is recognised, not printed whole."""
    assert quoted(value) == text


def test_quoted_huge_number() -> None:
    """Python refuses to write a number of 5,000 digits; its type is enough."""
    assert quoted(10**5000) == "a value of type int"


def test_quoted_is_cut() -> None:
    """A long value is cut."""
    assert len(quoted("é" * 1000)) <= QUOTED_LIMIT
