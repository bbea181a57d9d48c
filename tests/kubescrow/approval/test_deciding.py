"""What was recorded is compared with what was sent: whatever is not the same is told, and loudly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubescrow.approval.deciding import Outcome, compared
from kubescrow.approval.seen import Seen
from tests.kubescrow.approval.stored import NO, YES, entry, requirement, shown
from webhook.admission.verdict import Terms
from webhook.approval.decisions import Decision

TWO = requirement(terms=Terms(approvals=2))
REASON = YES.reason
BEFORE = shown(TWO)


def outcome(after: Seen, *, before: Seen = BEFORE, sent: Decision = Decision.APPROVED, unclear: str = "") -> Outcome:
    """What becomes of an approval for a reason, sent by alice."""
    return compared(before, after, sent, reason=REASON, unclear=unclear)


def test_what_was_recorded_as_it_was_sent_is_no_problem() -> None:
    """Alone, after somebody else, and before somebody else who decided at the same moment."""
    carol = entry("carol@example.com", at=YES.at)
    assert outcome(shown(TWO, said=(YES,))).problem == ""
    assert outcome(shown(TWO, said=(carol, YES)), before=shown(TWO, said=(carol,))).problem == ""
    both = outcome(shown(TWO, said=(YES, carol)))
    assert (both.problem, both.recorded) == ("", both.after.chain[0] if both.after else None)
    assert both.is_confirmed


@pytest.mark.parametrize(
    ("after", "sent", "problem"),
    [
        pytest.param(
            shown(TWO, said=(replace(YES),)),
            Decision.DENIED,
            "you sent denied, but approved was recorded",
            id="a no that became a yes",
        ),
        pytest.param(
            shown(TWO, said=(NO,)), Decision.APPROVED, "you sent approved, but denied was recorded", id="the other way"
        ),
        pytest.param(
            shown(TWO, said=(replace(YES, reason="words of another"),)),
            Decision.APPROVED,
            "another reason was recorded than you sent",
            id="another reason",
        ),
        pytest.param(
            shown(TWO),
            Decision.APPROVED,
            "nothing was recorded: the request was accepted without it; something removes decisions on their way",
            id="a decision that was taken out",
        ),
        pytest.param(
            shown(TWO, decisionsMAC="f" * 64),
            Decision.APPROVED,
            "nothing was recorded: the request was accepted without it; something removes decisions on their way",
            id="a chain that is gone",
        ),
    ],
)
def test_what_is_not_as_it_was_sent_is_an_alarm(after: Seen, sent: Decision, problem: str) -> None:
    """The person must hear of it while it can still be stopped."""
    found = outcome(after, sent=sent)
    assert (found.problem, found.is_alarm) == (problem, True)


def test_earlier_decisions_that_changed_are_an_alarm() -> None:
    """The chain that the person saw must be the beginning of the one that is stored."""
    before = shown(TWO, said=(NO,))
    assert outcome(shown(TWO, said=(YES,)), before=before).problem == "earlier decisions are not what they were"
    assert outcome(shown(TWO), before=before).is_alarm


def test_a_break_of_the_connection_is_no_alarm_and_is_cleared_up_by_what_is_stored() -> None:
    """A write may have happened although the answer was lost."""
    lost = outcome(shown(TWO), unclear="the cluster does not answer")
    assert (lost.problem, lost.is_alarm) == ("nothing was recorded: the cluster does not answer", False)
    assert outcome(shown(TWO, said=(YES,)), unclear="the cluster does not answer").problem == ""


def test_a_decision_that_the_webhook_did_not_verify_is_not_confirmed() -> None:
    """It is in the annotation, but nothing rests on it."""
    assert not outcome(shown(TWO, said=(YES,), confirmed=False)).is_confirmed
