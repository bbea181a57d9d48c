"""What an approver's own machine can say of a stored Approval, and what it must not believe."""

from __future__ import annotations

import json

import pytest

from kubescrow.approval.seen import readable, seen
from tests.kubescrow.approval.stored import NO, NOW, YES, after, requirement, shown, spec, stored
from webhook.admission.verdict import Terms
from webhook.approval.lifecycle import State
from webhook.approval.record import MalformedApproval


def test_a_decision_is_confirmed_only_once_the_webhook_has_written_down_its_mac() -> None:
    """The annotation alone may be anybody's who wrote while no guard stood."""
    assert shown(said=(YES,)).confirmed == 1
    assert shown(said=(YES,), confirmed=False).confirmed == 0
    assert shown(said=(YES,), confirmed=False).state(NOW) is State.PENDING


def test_a_chain_that_lost_its_newest_decision_is_an_alarm() -> None:
    """Somebody took a denial away."""
    assert shown(decisionsMAC="f" * 64).alarm == "decisions that were recorded are missing"


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("no JSON", id="no JSON"),
        pytest.param("{}", id="no list"),
        pytest.param('[{"decision": "approved"}]', id="an entry without fields"),
        pytest.param("[" * 5000, id="nested too deeply"),
        pytest.param(json.dumps([0] * 65), id="too many entries"),
    ],
)
def test_decisions_that_cannot_be_read_are_an_alarm(written: str) -> None:
    """They are told, and none of them is shown."""
    found = seen(stored(spec(), decisions=written))
    assert found.alarm.startswith("its decisions cannot be read (entry 0: ")
    assert found.chain == ()


def test_what_is_over_is_expired_also_before_anybody_wrote_that_down() -> None:
    """An approver must not decide on what has ended."""
    assert shown().state(after(3600)) is State.PENDING  # the status knows no end: the webhook's word counts
    assert shown(expires="2026-11-23T15:04:05Z").state(after(3600)) is State.EXPIRED
    assert seen(stored(spec())).state(after(3600)) is State.EXPIRED
    assert shown(state="Denied", expires="2026-11-23T15:04:05Z").state(after(3600)) is State.DENIED


def test_what_a_decision_is_about_has_one_token() -> None:
    """It changes with the request, the decisions and the state, and with nothing that the webhook adds by itself."""
    token = shown().token
    assert shown(expires="2026-11-23T15:04:05Z").token == token == seen(stored(shown().approval.spec)).token
    others = [shown(change="x"), shown(reason="x"), shown(said=(YES,)), shown(said=(NO,)), shown(state="Approved")]
    assert len({token, *(other.token for other in others)}) == 6


def test_people_who_must_still_approve_are_counted_for_each_rule() -> None:
    """A denial counts for none, the same person once."""
    two = requirement(terms=Terms(approvals=2))
    assert shown(two).missing(two) == 2
    assert shown(two, said=(YES,)).missing(two) == 1
    assert shown(two, said=(YES, YES)).missing(two) == 1
    assert shown(two, said=(NO,)).missing(two) == 2


def test_what_has_another_form_is_named_and_hides_no_other() -> None:
    """One broken Approval does not blind approvers for the rest."""
    good, bad = readable([{"metadata": {"name": "broken"}}, stored(spec()), {}])
    assert [each.name for each in good] == ["appr-7f3a2c91d0e4b5a6"]
    assert bad == ["", "broken"]
    with pytest.raises(MalformedApproval):
        seen({})
