"""The shell reading: words, quotes, commands, and the way back to the text."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from masking.shell import commands
from masking.structure import Span

TEXTS = st.text(alphabet="ab '\"\\$|;&\n`()<>=é", max_size=40)


def words(text: str) -> list[list[str]]:
    """Return the words of each command."""
    return [[word.text for word in command.words] for command in commands(text)]


def test_words_and_commands() -> None:
    """Blanks part words, operators part commands."""
    assert words("a b|c;d && e\nf") == [["a", "b"], ["c"], ["d"], ["e"], ["f"]]


def test_quotes_and_escapes() -> None:
    """As a POSIX shell removes them."""
    assert words("""a'b c'"d \\" e"\\ f '' 'g\\h'""") == [['ab cd " e f', "", "g\\h"]]


def test_an_open_quote_reaches_to_the_end() -> None:
    """Every text has a reading."""
    assert words("it's a b") == [["its a b"]]


def test_dollars_that_a_shell_expands() -> None:
    """Not in single quotes, not escaped."""
    (command,) = commands("$a '$b' \"$c\" \\$d e")
    assert [word.expands for word in command.words] == [True, False, True, False, False]


@given(TEXTS)
def test_every_span_leads_back(text: str) -> None:
    """What a word's span covers outside is in order, inside the text, and never more than the word."""
    for command in commands(text):
        for word in command.words:
            spans = list(word.outer([Span(0, len(word.text), "x")]))
            assert "".join(span.value or "" for span in spans) == word.text
            assert all(0 <= span.start < span.end <= len(text) for span in spans)
            assert all(one.end <= other.start for one, other in pairwise(spans))
