"""An approval lives as its picture says: deny wins, each requirement stands alone, and final is final."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.webhook.approval.build import BOT, NOW, SRE, after, approval, entry, person, requirement
from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Requirement, Terms
from webhook.approval.decisions import Decision, Entry
from webhook.approval.lifecycle import (
    Standing,
    State,
    covers,
    is_wanted,
    same_person,
    satisfied,
    standing,
)

APPROVED, DENIED, REVOKED = Decision.APPROVED, Decision.DENIED, Decision.REVOKED
ROBOT = User("system:serviceaccount:ops:robot", groups=("system:serviceaccounts",))
ROBOTS = Subject(SubjectKind.SERVICE_ACCOUNT, "robot", "ops")

TWO = requirement("production", "two", Terms(approvals=2))
ONE_SRE = requirement("security", "sre", Terms(approvers=(SRE,)))
BOTH = ("production", "security")
PEOPLE = {
    "ann": (person("ann", "sre"), BOTH),
    "Ann": (person("Ann", "sre"), BOTH),
    "bob": (person("bob"), ("production",)),
    "eve": (person("eve", "sre"), ("security",)),
    "joe": (person("joe"), BOTH),
}


class Life(RuleBasedStateMachine):
    """People decide as they like, at any time, with no guard before them; only the rules of the states hold.

    Two people must approve for production, one of group sre for security. Ann has two spellings.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.approval = approval(TWO, ONE_SRE)
        self.chain: list[Entry] = []
        self.ended: Standing | None = None

    def read(self) -> Standing:
        """The standing as of now."""
        return standing(self.approval, self.chain, now=self.now)

    def agreed(self) -> bool:
        """Whether enough people approved, counted another way than the code does."""
        said = [e for e in self.chain if e.decision is APPROVED]
        production = {e.user.username.lower() for e in said if "production" in e.policies}
        security = {e.user.username for e in said if "security" in e.policies and "sre" in e.user.groups}
        return len(production) >= 2 and len(security) >= 1

    @rule(seconds=st.floats(0, 1500))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    @rule(name=st.sampled_from(sorted(PEOPLE)), decision=st.sampled_from(3 * [APPROVED] + [DENIED, REVOKED]))
    def decide(self, name: str, decision: Decision) -> None:
        """Somebody says something, written in whole seconds."""
        user, policies = PEOPLE[name]
        self.chain.append(entry(user, decision, at=self.now.replace(microsecond=0), policies=policies))

    @invariant()
    def final_is_final(self) -> None:
        """Neither time nor decisions change an approval that has ended, nor when and by whom it ended."""
        if self.ended is not None:
            assert self.read() == self.ended
        elif self.read().state.is_final:
            self.ended = self.read()

    @invariant()
    def nothing_passes_without_agreement(self) -> None:
        """Approved and Revoked need every requirement met; a pending one has one that is not."""
        state = self.read().state
        assert state not in {State.APPROVED, State.REVOKED} or self.agreed()
        assert state is not State.PENDING or not self.agreed()

    @invariant()
    def deny_wins(self) -> None:
        """With a denial or a revocation in it no approval is usable, however many people approved."""
        if any(e.decision is not APPROVED for e in self.chain):
            assert self.read().state in {State.DENIED, State.REVOKED, State.EXPIRED}
        else:
            assert self.read().state in {State.PENDING, State.APPROVED, State.EXPIRED}

    @invariant()
    def it_expires_on_time(self) -> None:
        """No pending approval is older than its hour, no approved one than its ten minutes."""
        read = self.read()
        if read.state in {State.PENDING, State.APPROVED}:
            assert read.expires is not None
            assert self.now < read.expires <= after(3600 + 600)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)

Story = tuple[tuple[Entry, ...], float, State]


@pytest.mark.parametrize(
    ("chain", "at_s", "state"),
    [
        pytest.param((), 0, State.PENDING, id="it begins pending"),
        pytest.param((), 3599.999999, State.PENDING, id="it is pending to the last moment of decideBy"),
        pytest.param((), 3600, State.EXPIRED, id="it expires at the very second of decideBy"),
        pytest.param((entry("ann"),), 0, State.APPROVED, id="one approval is enough where one is asked"),
        pytest.param((entry("ann"),), 599.999999, State.APPROVED, id="it is usable to the last moment of useWithin"),
        pytest.param((entry("ann"),), 600, State.EXPIRED, id="it expires at the very second of useWithin"),
        pytest.param(
            (entry("ann", at=after(3599)),), 4198, State.APPROVED, id="a late approval has its full time of use"
        ),
        pytest.param(
            (entry("ann", at=after(3600)),), 3600, State.EXPIRED, id="an approval signed at decideBy is too late"
        ),
        pytest.param((entry("ann", DENIED),), 0, State.DENIED, id="one denial ends it"),
        pytest.param((entry("ann", DENIED, at=after(3600)),), 3600, State.EXPIRED, id="nobody denies what has expired"),
        pytest.param((entry("ann"), entry("bob", REVOKED)), 1, State.REVOKED, id="anybody who may decide revokes"),
        pytest.param(
            (entry("ann"), entry("ann", DENIED)), 1, State.REVOKED, id="a denial of what is approved revokes it"
        ),
        pytest.param((entry("ann", REVOKED), entry("bob")), 1, State.DENIED, id="revoking what is pending denies it"),
        pytest.param(
            (entry("ann"), entry("bob", REVOKED, at=after(600))),
            601,
            State.EXPIRED,
            id="nobody revokes what has expired",
        ),
        pytest.param((entry("ann", DENIED), entry("bob")), 1, State.DENIED, id="an approval after a denial is nothing"),
        pytest.param(
            (entry("ann", policies=("other",)),), 1, State.PENDING, id="an approval for another policy is nothing"
        ),
    ],
)
def test_the_state_follows_from_decisions_and_clock(chain: tuple[Entry, ...], at_s: float, state: State) -> None:
    """Each arrow of the picture, at its first and its last moment."""
    assert standing(approval(), chain, now=after(at_s)).state is state


@pytest.mark.parametrize("state", [s for s in State if s.is_final], ids="{} stays".format)
def test_a_recorded_end_stays(state: State) -> None:
    """What was written down as ended is ended, even if the decisions are gone or say something else."""
    ended = approval(status={"state": state.value, "endedAt": "2026-11-23T14:30:00Z"})
    for chain in ((), (entry("ann"),)):
        read = standing(ended, chain, now=after(1))
        assert (read.state, read.since) == (state, datetime.fromisoformat("2026-11-23T14:30:00Z"))


@pytest.mark.parametrize("state", ["Pending", "Approved", "", "approved", "Used ", "?"], ids="{!r} is not read".format)
def test_a_recorded_state_that_is_no_end_says_nothing(state: str) -> None:
    """Writing Approved into the status approves nothing."""
    assert standing(approval(status={"state": state}), (), now=NOW).state is State.PENDING


def test_an_end_without_its_time_counts_from_the_request() -> None:
    """A status without a readable endedAt is still an end."""
    for status in ({"state": "Denied"}, {"state": "Denied", "endedAt": "soon"}, {"state": "Denied", "endedAt": 5}):
        assert standing(approval(status=status), (), now=after(9)) == Standing(State.DENIED, since=NOW)


def test_the_last_reason_and_all_people_are_told() -> None:
    """The reason of a denial reaches the agent, with everybody who had a say, once each."""
    chain = (entry("ann"), entry("bob"), entry("ann", DENIED, reason="not on a Friday"))
    read = standing(approval(requirement(terms=Terms(approvals=3))), chain, now=after(1))
    assert (read.state, read.decided_by, read.reason) == (State.DENIED, ("ann", "bob"), "not on a Friday")


REASONED = requirement(terms=Terms(require_reason=True))


@pytest.mark.parametrize(
    ("asked", "chain", "enough"),
    [
        pytest.param((), (entry("ann"),), False, id="no requirement is never satisfied"),
        pytest.param((TWO,), (entry("ann"), entry("ann")), False, id="one person does not count twice"),
        pytest.param((TWO,), (entry("ann"), entry("ANN")), False, id="nor in another case"),
        pytest.param((TWO,), (entry("jos\u00e9"), entry("jose\u0301")), False, id="nor in another Unicode form"),
        pytest.param((TWO,), (entry("ann"), entry("\uff41nn")), False, id="nor in wide letters"),
        pytest.param(
            (TWO,), (entry(person("ann", uid="1")), entry(person("anna", uid="1"))), False, id="nor under a second name"
        ),
        pytest.param(
            (TWO,), (entry(person("ann", uid="1")), entry(person("ann", uid="2"))), False, id="nor with a second uid"
        ),
        pytest.param((TWO,), (entry("ann"), entry("bob")), True, id="two people are two"),
        pytest.param((TWO,), (entry("ann"), entry("bob", DENIED)), False, id="a denial is no approval"),
        pytest.param(
            (TWO, ONE_SRE), (entry("ann"), entry("bob")), False, id="one requirement does not speak for another"
        ),
        pytest.param(
            (TWO, ONE_SRE),
            (entry(person("ann", "sre"), policies=BOTH), entry("bob")),
            True,
            id="one person speaks for each requirement that asks for them",
        ),
        pytest.param(
            (ONE_SRE,), (entry(person("ann", "dev"), policies=BOTH),), False, id="an approver must be in the approvers"
        ),
        pytest.param((REASONED,), (entry("ann"),), False, id="an approval without the required reason does not count"),
        pytest.param((REASONED,), (entry("ann", reason=" \n"),), False, id="a blank reason is none"),
        pytest.param((REASONED,), (entry("ann", reason="ok"),), True, id="an approval with its reason counts"),
        pytest.param(
            (requirement(),), (entry(ROBOT),), False, id="a ServiceAccount that nobody asked for does not count"
        ),
    ],
)
def test_each_requirement_is_satisfied_by_itself(
    asked: tuple[Requirement, ...], chain: tuple[Entry, ...], enough: bool
) -> None:
    """Different people, asked for by this requirement, who gave what it demands."""
    assert satisfied(asked, chain) is enough


def test_eligibility_is_asked_again_at_the_claim() -> None:
    """Whoever may no longer approve does not count, though they might when they did."""
    chain = (entry("ann"), entry("bob"))
    assert not satisfied((TWO,), chain, counts=lambda one, _: one.user.username != "ann")
    assert satisfied((TWO,), chain, counts=lambda *_: True)


def test_a_service_account_asked_for_by_one_rule_is_not_asked_for_by_another() -> None:
    """A robot that one rule of a policy names does not speak for the people that its other rules ask for."""
    named = requirement(rule="robot", terms=Terms(approvers=(ROBOTS,)))
    for approvers in (None, (Subject(SubjectKind.GROUP, "*"),), (Subject(SubjectKind.USER, "system:*"),)):
        people = requirement(rule="people", terms=Terms(approvers=approvers))
        assert satisfied((named,), (entry(ROBOT),))
        assert not satisfied((named, people), (entry(ROBOT),))
        assert is_wanted(person("ann", "any"), people) is (approvers is None or approvers[0].name == "*")


@given(st.text(min_size=1), st.text(min_size=1))
def test_being_one_person_goes_both_ways(one: str, other: str) -> None:
    """Everybody is themselves, and the order of asking does not matter."""
    assert same_person(person(one), person(one))
    assert same_person(person(one), person(other)) is same_person(person(other), person(one))


@given(st.text(st.characters(max_codepoint=127), min_size=1))
def test_being_one_person_does_not_depend_on_case(name: str) -> None:
    """A directory that does not tell capitals apart cannot lend one person two voices."""
    assert same_person(person(name), person(name.swapcase()))


def test_users_without_uid_are_not_one_person() -> None:
    """That two users have no uid does not make them the same."""
    assert not same_person(person("ann"), person("bob"))
    assert not same_person(person("ann"), BOT)


@pytest.mark.parametrize(
    ("asked", "now_asked", "is_covered"),
    [
        pytest.param((TWO,), (TWO,), True, id="the same is covered"),
        pytest.param((TWO, ONE_SRE), (TWO,), True, id="a rule less is covered"),
        pytest.param((TWO,), (TWO, ONE_SRE), False, id="a rule more is not"),
        pytest.param((TWO,), (requirement("other", "two"),), False, id="the same rule of another policy is not"),
        pytest.param((TWO,), (requirement("production", "two"),), True, id="fewer people are covered"),
        pytest.param((requirement("production", "two"),), (TWO,), False, id="more people are not"),
        pytest.param((requirement(),), (REASONED,), False, id="a reason that was not demanded is not"),
        pytest.param((REASONED,), (requirement(),), True, id="a reason no longer demanded is covered"),
        pytest.param(
            (ONE_SRE,), (requirement("security", "sre"),), False, id="other approvers are not, even more of them"
        ),
        pytest.param(
            (requirement("security", "sre"),), (ONE_SRE,), False, id="approvers where there were none are not covered"
        ),
    ],
)
def test_an_approval_covers_what_it_asked_for(
    asked: tuple[Requirement, ...], now_asked: tuple[Requirement, ...], is_covered: bool
) -> None:
    """Once the rules ask people for more, what was asked before is no answer."""
    assert covers(asked, now_asked) is is_covered
