"""A claim is ours or nothing, and lets pass again only what the API server repeats."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.approval.build import KEY, NOW, after, approval
from webhook.admission.request import Operation
from webhook.approval.claim import PASSES_LIMIT, Claim, parse_claim, passes_again, sealed
from webhook.approval.decisions import Seal

SEAL = KEY.seal(approval())
CLAIM = sealed(Claim("uid-1", NOW, "m" * 64), SEAL)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(), st.text(), st.integers(1, PASSES_LIMIT))
def test_a_claim_survives_the_wire(request_uid: str, decisions_mac: str, passes: int) -> None:
    """What we signed is read back, as of the beginning of its second."""
    claim = sealed(Claim(request_uid, after(0.9), decisions_mac, passes), SEAL)
    assert parse_claim(claim.wire(), SEAL) == replace(claim, at=NOW)


@given(st.sampled_from(sorted(CLAIM.wire())), JSON)
def test_a_changed_claim_is_none(key: str, junk: Any) -> None:
    """No field can be exchanged, least of all the number of passes; junk of any kind raises nothing."""
    wire = CLAIM.wire()
    if repr(wire[key]) != repr(junk):
        assert parse_claim(wire | {key: junk}, SEAL) is None
    else:
        assert parse_claim(wire | {key: junk}, SEAL) == CLAIM


@given(JSON)
def test_what_is_no_claim_is_none(junk: Any) -> None:
    """Whatever stands in the status instead of a claim lets nothing pass."""
    assert parse_claim(junk, SEAL) is None


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(CLAIM.wire() | {"at": "0001-01-01T00:00:00+23:59"}, id="a time before the calendar"),
        pytest.param(CLAIM.wire() | {"mac": "ü" * 64}, id="a MAC outside of ASCII"),
        pytest.param(CLAIM.wire() | {"mac": None}, id="a MAC that is nothing"),
        pytest.param(CLAIM.wire() | {"passes": True}, id="passes that compare equal to one"),
        pytest.param(CLAIM.wire() | {"passes": 1.0}, id="passes with a fraction"),
        pytest.param({key: value for key, value in CLAIM.wire().items() if key != "passes"}, id="no passes"),
    ],
)
def test_a_claim_not_in_our_form_is_none(wire: dict[str, Any]) -> None:
    """Values that nearly fit are refused, not mended."""
    assert parse_claim(wire, SEAL) is None


@pytest.mark.parametrize(
    "seal",
    [
        pytest.param(replace(SEAL, approval_uid="another"), id="another approval"),
        pytest.param(replace(SEAL, spec_digest="0" * 64), id="another spec"),
        pytest.param(replace(SEAL, key=b"1" * 32), id="another key"),
    ],
)
def test_a_claim_counts_nowhere_else(seal: Seal) -> None:
    """A claim moved to another place is none."""
    assert parse_claim(CLAIM.wire(), seal) is None


@pytest.mark.parametrize(
    ("operation", "request_uid", "after_s", "passes", "again"),
    [
        pytest.param("UPDATE", "uid-2", 1, 1, True, id="an update that the API server repeats passes"),
        pytest.param("DELETE", "uid-2", 1, 1, True, id="a deletion that it repeats passes"),
        pytest.param("CREATE", "uid-2", 1, 1, False, id="a second creation does not"),
        pytest.param("CONNECT", "uid-2", 1, 1, False, id="a second exec does not"),
        pytest.param("CREATE", "uid-1", 1, 1, True, id="the very same creation passes"),
        pytest.param("CONNECT", "uid-1", 1, 1, True, id="the very same exec passes"),
        pytest.param("DELETE", "uid-2", 35, 1, True, id="35 seconds later is in time"),
        pytest.param("DELETE", "uid-2", 35.000001, 1, False, id="after 35 seconds it is too late"),
        pytest.param("CREATE", "uid-1", 36, 1, False, id="the very same call cannot come that late either"),
        pytest.param("DELETE", "uid-2", -5, 1, True, id="a replica whose clock is five seconds behind lets it pass"),
        pytest.param("DELETE", "uid-2", -5.000001, 1, False, id="a claim from further in the future is strange"),
        pytest.param("DELETE", "uid-2", 1, 4, True, id="the fifth pass is the last one"),
        pytest.param("DELETE", "uid-2", 1, 5, False, id="there is no sixth pass"),
        pytest.param("CREATE", "uid-1", 1, 5, False, id="nor for the very same call"),
    ],
)
def test_what_passes_again(operation: str, request_uid: str, after_s: float, passes: int, again: bool) -> None:
    """A repetition passes within 35 s, five times in all; what has a second effect only as the same call."""
    claim = replace(CLAIM, passes=passes)
    now = NOW + timedelta(seconds=after_s)
    assert passes_again(claim, operation=Operation(operation), request_uid=request_uid, now=now) is again
