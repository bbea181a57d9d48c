"""Nothing that hides, reorders or acts reaches a reader's terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.approval.visible import BLANK, visible

TEXTS = st.text() | st.text(st.sampled_from("\\u{}5c\x1b\n\u202ea"), max_size=12)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain text ü 漢", "plain text ü 漢", id="what everybody can see stays"),
        pytest.param("\x1b[31mred", "\\u{1b}[31mred", id="an ANSI escape cannot colour or move"),
        pytest.param("a\nb\tc\0", "a\\u{a}b\\u{9}c\\u{0}", id="control characters cannot break the line"),
        pytest.param("\u202egnp.exe", "\\u{202e}gnp.exe", id="a right-to-left mark cannot reorder"),
        pytest.param("a\u200bb\ufeff", "a\\u{200b}b\\u{feff}", id="zero-width marks cannot hide"),
        pytest.param("a\u00a0b\u3000c", "a\\u{a0}b\\u{3000}c", id="only the plain space looks like one"),
        pytest.param("a\ufe0fb\u3164c\u2800", "a\\u{fe0f}b\\u{3164}c\\u{2800}", id="blank letters and selectors show"),
        pytest.param("\ud800\ue000\uffff", "\\u{d800}\\u{e000}\\u{ffff}", id="what has no meaning shows its number"),
        pytest.param("\\u{1b}", "\\u{5c}u{1b}", id="an escape typed by hand is not taken for one"),
        pytest.param("C:\\users", "C:\\users", id="other backslashes stay"),
    ],
)
def test_hidden_characters_are_written_out(text: str, shown: str) -> None:
    """Each hidden character becomes its number; everything else stays as it is."""
    assert visible(text) == shown


@given(TEXTS)
def test_nothing_hidden_is_left(text: str) -> None:
    """No control, format, surrogate, private, unassigned, separator or blank character survives."""
    for char in visible(text):
        assert char == " " or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}
        assert ord(char) not in BLANK


@given(TEXTS, TEXTS)
def test_different_texts_stay_different(one: str, other: str) -> None:
    """What a reader sees names one text only."""
    assert (visible(one) == visible(other)) == (one == other)
