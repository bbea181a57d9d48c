"""Decoding, and the way back to the encoded text."""

import json
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.decode import base64_decoded, json_decoded, json_encoded, percent_decoded
from masking.structure import Span

TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=20)


@given(TEXTS, TEXTS, TEXTS)
def test_percent_decoding_leads_back(before: str, secret: str, after: str) -> None:
    """The span of a decoded stretch is exactly its encoded form."""
    encoded = quote_plus(before) + quote_plus(secret) + quote_plus(after)
    inner = percent_decoded(encoded, 0, len(encoded))
    assert inner.text == unquote_plus(encoded)
    (span,) = [*inner.outer([Span(len(before), len(before) + len(secret), "x")])] or [Span(0, 0, "x")]
    assert encoded[span.start : span.end] == quote_plus(secret)


def test_bytes_that_are_no_utf8_are_kept_apart() -> None:
    """Two wrong bytes are two characters."""
    assert percent_decoded("%ff%FE%zz", 0, 9).text == "\udcff\udcfe%zz"


@pytest.mark.parametrize("text", ["aGk", "aGl=", "a b", "é", "hunter2!"])
def test_only_canonical_base64_is_decoded(text: str) -> None:
    """Two texts must not have one value."""
    assert base64_decoded(text) is None


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"a":1,"a":2}', "1" * 5_000, ""])
def test_what_is_no_clean_json_is_a_value_error(text: str) -> None:
    """One exception for every reason."""
    with pytest.raises(ValueError):  # noqa: PT011  the text differs by reason, the reaction does not
        json_decoded(text)


FORMS = {
    "kubectl": '{"a":"\\u003cb\\u0026","c":[1,2]}\n',
    "compact": '{"a":"<b>é"}',
    "ascii": '{"a":"\\u00e9"}',
    "spaced": '{"a": [1, 2], "b": "c"}',
    "indented": '{\n  "a": [\n    1\n  ]\n}\n',
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS.keys())
def test_json_keeps_its_form(text: str) -> None:
    """What is written again looks as before."""
    assert json_encoded(json.loads(text), like=text, was=json.loads(text)) == text
