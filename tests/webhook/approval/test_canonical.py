"""One document has one byte sequence, and a signature is worth nothing anywhere else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.approval.canonical import canonical_json, digest, sign

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@given(DOCUMENTS)
def test_the_canonical_form_says_the_same_as_the_document(document: Any) -> None:
    """Reading the canonical form gives the document back: nothing is lost, so nothing different collides."""
    assert json.loads(canonical_json(document)) == document


@given(st.dictionaries(st.text(), SCALARS, min_size=2), st.randoms())
def test_the_order_of_keys_does_not_matter(document: dict[str, Any], random: Any) -> None:
    """The same keys in another order give the same bytes and the same digest."""
    keys = list(document)
    random.shuffle(keys)
    shuffled = {key: document[key] for key in keys}
    assert canonical_json(shuffled) == canonical_json(document)
    assert digest(shuffled) == digest(document)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"b": 1, "a": [1, 2]}, b'{"a":[1,2],"b":1}', id="keys are sorted and there is no white space"),
        pytest.param("ü\u202e", b'"\\u00fc\\u202e"', id="everything outside ASCII is escaped"),
        pytest.param("\ud800", b'"\\ud800"', id="a lone surrogate is escaped too"),
        pytest.param([1, 1.0, True, "1"], b'[1,1.0,true,"1"]', id="values that compare equal stay apart"),
    ],
)
def test_the_form_is_fixed(document: Any, expected: bytes) -> None:
    """Signatures outlive versions of this program, so the form may never change."""
    assert canonical_json(document) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")], ids="{} has no form in JSON".format)
def test_what_json_does_not_know_is_refused(value: float) -> None:
    """NaN and the infinities raise ValueError instead of making a document that no one else can read."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"deep": [value]})


@given(DOCUMENTS, st.binary(min_size=1, max_size=40), st.text(max_size=10))
def test_a_signature_is_bound_to_key_and_purpose(document: Any, key: bytes, purpose: str) -> None:
    """Another purpose, another key and another document each give another signature."""
    signature = sign(key, purpose, document)
    assert len(signature) == 64
    assert signature == sign(key, purpose, document)
    assert signature != sign(key, f"{purpose}x", document)
    assert signature != sign(b"x" + key, purpose, document)
    assert signature != sign(key, purpose, [document])
