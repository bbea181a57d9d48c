"""What a stored Approval says is computed, never believed; what is written down follows from it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.approval.build import BOT, KEY, NOW, after, approval, decided, entry, requirement, spec, stored
from webhook.admission import message
from webhook.admission.request import Kind, Operation, Request, Resource, User
from webhook.admission.verdict import Terms
from webhook.approval.claim import Claim, sealed
from webhook.approval.decisions import Decision
from webhook.approval.lifecycle import State
from webhook.approval.reading import Reading, SigningKey, read, status_of
from webhook.approval.record import Approval, Touched, parse_approval, time_wire

DENIED = Decision.DENIED
TWO = (requirement(terms=Terms(approvals=2)),)
REQUEST = Request("uid", Operation.DELETE, Kind("", "v1", "Namespace"), Resource("", "v1", "namespaces"), BOT)


def now_read(subject: Approval, *, at_s: float = 1, key: SigningKey = KEY) -> Reading:
    """Read an approval some seconds after it was requested."""
    return read(subject, key, now=after(at_s))


def test_decisions_count_when_they_verify() -> None:
    """A signed approval approves."""
    reading = now_read(decided(entry("ann")))
    assert (reading.standing.state, reading.tampered, len(reading.chain)) == (State.APPROVED, "", 1)


FIRST = decided(entry("ann"), requirements=TWO)
BOTH = decided(entry("ann"), entry("bob", DENIED), requirements=TWO)
NEWEST = json.loads(BOTH.decisions)[-1]["mac"]


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        pytest.param(replace(FIRST, decisions="[{}]"), "entry 0: fields are missing", id="a forged annotation"),
        pytest.param(replace(FIRST, uid="recreated"), "entry 0: wrong MAC", id="an approval that was made again"),
        pytest.param(replace(FIRST, spec_digest="0" * 64), "entry 0: wrong MAC", id="another spec under the decisions"),
        pytest.param(replace(FIRST, status={"decisionsMAC": NEWEST}), "recorded are missing", id="a denial cut off"),
        pytest.param(replace(FIRST, decisions="", status={"decisionsMAC": NEWEST}), "missing", id="all of it cut off"),
        pytest.param(replace(FIRST, status={"decisionsMAC": "ü"}), "recorded are missing", id="a MAC that is none"),
    ],
)
def test_tampered_decisions_count_for_nothing(subject: Approval, why: str) -> None:
    """Not even the part of the chain that verifies counts, and the reading says what is wrong."""
    reading = now_read(subject)
    assert why in reading.tampered
    assert (reading.chain, reading.standing.state, reading.standing.decided_by) == ((), State.PENDING, ())


def test_another_key_reads_nothing() -> None:
    """A key with another id, or another key with the same id, makes all decisions void."""
    for key in (SigningKey("key-2", KEY.secret), SigningKey(KEY.id, b"1" * 32)):
        assert now_read(decided(entry("ann")), key=key).standing.state is State.PENDING


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
STATUS = st.fixed_dictionaries({}, optional=dict.fromkeys(("state", "decisionsMAC", "claim", "endedAt"), JUNK))


@given(st.text(), STATUS)
def test_one_broken_approval_never_stops_the_others(annotation: str, status: dict[str, Any]) -> None:
    """Whatever somebody put into annotation and status, it is read, approves nothing, and has a status."""
    reading = now_read(parse_approval(stored(spec(), decisions=annotation, status=status)))
    assert reading.standing.state is not State.APPROVED
    assert reading.claim is None
    assert status_of(reading, now=NOW)["state"] == reading.standing.state.value


def test_only_our_claim_is_read() -> None:
    """A claim is read with its signature, and stays in the status whatever it is."""
    used = decided(entry("ann"))
    claim = sealed(Claim("uid-1", NOW, "m"), KEY.seal(used))
    status = {"state": "Used", "claim": claim.wire()}
    assert now_read(replace(used, status=status)).claim == claim
    forged = now_read(replace(used, status={"state": "Used", "claim": claim.wire() | {"passes": 2}}))
    assert forged.claim is None
    assert status_of(forged, now=NOW)["claim"]["passes"] == 2


def test_the_status_of_a_pending_approval() -> None:
    """State and the end of the time to decide are shown; nobody has decided yet."""
    status = status_of(now_read(approval()), now=NOW)
    assert status == {"state": "Pending", "expires": time_wire(after(3600))}


def test_the_status_of_an_approved_approval() -> None:
    """Who decided, why, until when it may be used, and what a shorter chain would lack."""
    reading = now_read(decided(entry("ann", reason="planned", at=after(10))), at_s=10)
    assert status_of(reading, now=after(10)) == {
        "state": "Approved",
        "decidedBy": "ann",
        "reason": "planned",
        "expires": time_wire(after(610)),
        "decisionsMAC": reading.chain[-1].mac,
    }


def test_the_status_of_a_use() -> None:
    """The step that is taken now, its claim and its time are written with the decisions behind it."""
    reading = now_read(decided(entry("ann")))
    claim = sealed(Claim("uid-1", after(5), reading.chain[-1].mac), KEY.seal(reading.approval))
    status = status_of(reading, now=after(5.9), state=State.USED, claim=claim)
    assert (status["state"], status["claim"], status["endedAt"]) == ("Used", claim.wire(), time_wire(after(5)))
    assert "expires" not in status


def test_the_end_is_when_it_ended_not_when_it_was_noticed() -> None:
    """A clean-up that comes late writes the moment at which the time was over or the denial was made."""
    assert status_of(now_read(approval(), at_s=9999), now=after(9999))["endedAt"] == time_wire(after(3600))
    denied = decided(entry("ann", DENIED, at=after(30)))
    assert status_of(now_read(denied, at_s=9999), now=after(9999))["endedAt"] == time_wire(after(30))


@pytest.mark.parametrize("at_s", [1, 9999], ids="read {} s later".format)
def test_a_written_status_stays_as_it_is(at_s: int) -> None:
    """Writing what a reading says and reading it again gives the same status: nobody writes for ever."""
    for subject in (approval(), FIRST, BOTH, replace(FIRST, decisions="[{}]"), decided(entry("ann"))):
        status = status_of(now_read(subject, at_s=at_s), now=after(at_s))
        again = now_read(replace(subject, status=status), at_s=at_s)
        assert status_of(again, now=after(at_s + 60)) == status


def test_a_cool_down_counts_from_the_denial() -> None:
    """Once the end is written down, it still began when somebody denied, not when the request came."""
    denied = decided(entry("ann", DENIED, at=after(1800), reason="no"))
    status = status_of(now_read(denied, at_s=1801), now=after(1801))
    reading = now_read(replace(denied, status=status), at_s=1900)
    assert (reading.standing.since, reading.standing.reason) == (after(1800), "no")


def test_who_ended_it_is_not_forgotten_with_the_decisions() -> None:
    """If the annotation of an ended approval is destroyed, its status still says by whom and why."""
    denied = decided(entry("ann", DENIED, reason="no"))
    status = status_of(now_read(denied), now=after(1))
    ruined = now_read(replace(denied, decisions="", status=status), at_s=2)
    assert ruined.tampered
    assert status_of(ruined, now=after(2)) == status


def test_long_texts_fit_the_definition() -> None:
    """Many names and a long reason are cut to what the CRD takes, so that an end can always be written."""
    chain = [entry(f"{number}{'x' * 300}", reason="r" * 2000) for number in range(20)]
    status = status_of(now_read(decided(*chain, requirements=TWO)), now=NOW)
    assert (len(status["decidedBy"]), len(status["reason"])) == (4096, 1024)


ANY = st.text(st.characters(), max_size=30)


@given(requester=ANY, name=ANY, decider=ANY, reason=ANY)
def test_a_notice_is_one_visible_line(requester: str, name: str, decider: str, reason: str) -> None:
    """Nobody's name and nobody's words add a line, or a mark that hides or turns text, to what an agent reads."""
    touched = Touched("rbac.authorization.k8s.io", "clusterroles", "", "", name)
    held = parse_approval(stored(spec(requester=User(requester), touched=touched)))
    said = now_read(decided(entry(decider, DENIED, reason=reason))).notice
    notice = replace(now_read(held).notice, decided_by=said.decided_by, reason=said.reason)
    answers = (
        message.approval_required(REQUEST, notice, retry_after_s=1),
        message.approval_denied(REQUEST, notice),
        message.approval_unusable(REQUEST, notice, "why"),
    )
    assert all(answer.message.isprintable() for answer in answers)
