"""Only people who may decide do, each once, and an Approval changes by nothing but their decisions."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.approval.build import (
    BOT,
    SRE,
    after,
    approval,
    entry,
    person,
    requirement,
    signed,
    spec,
    stored,
)
from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Requirement, Terms
from webhook.approval.decisions import ENTRIES_LIMIT, Decision, Entry
from webhook.approval.guard import (
    REASON_LIMIT,
    DecisionRefused,
    Voice,
    added_entry,
    asked_decision,
    changed_beside_decisions,
    check_fresh,
    check_turn,
    clears,
    policies_for,
)
from webhook.approval.lifecycle import standing
from webhook.approval.record import DECISION, DECISIONS, REASON, Approval

APPROVED, DENIED, REVOKED = Decision.APPROVED, Decision.DENIED, Decision.REVOKED
ANN = person("ann", "sre", "system:authenticated")
ROBOT = User("system:serviceaccount:ops:robot", groups=("system:serviceaccounts",))
ROBOTS = Subject(SubjectKind.SERVICE_ACCOUNT, "*", "ops")
MAY = frozenset({"production", "security"})


def wanted(*approvers: Subject, policy: str = "production", rule: str = "hold") -> Requirement:
    """A requirement that asks for these approvers only."""
    return requirement(policy, rule, Terms(approvers=approvers))


EVERYBODY = Subject(SubjectKind.GROUP, "*")


@pytest.mark.parametrize(
    ("voice", "asked", "policies"),
    [
        pytest.param(Voice(ANN, False, MAY), (requirement(),), ("production",), id="a person with the verb"),
        pytest.param(
            Voice(ANN, False, MAY),
            (requirement("security"), requirement("production", "b"), requirement("production", "a")),
            ("production", "security"),
            id="each policy once, in order",
        ),
        pytest.param(
            Voice(ANN, False, {"security"}),
            (requirement(), requirement("security")),
            ("security",),
            id="only the policies that the person may approve",
        ),
        pytest.param(
            Voice(ANN, False, MAY),
            (wanted(SRE), wanted(Subject(SubjectKind.GROUP, "dba"), policy="security")),
            ("production",),
            id="only the policies whose approvers name the person",
        ),
        pytest.param(Voice(ROBOT, False, MAY), (wanted(ROBOTS),), ("production",), id="a ServiceAccount that is named"),
    ],
)
def test_who_may_decide_for_what(voice: Voice, asked: tuple[Requirement, ...], policies: tuple[str, ...]) -> None:
    """Permission of the cluster and approvers of the rule are both needed, for each policy by itself."""
    assert policies_for(voice, approval(*asked)) == policies


@pytest.mark.parametrize(
    ("voice", "asked", "why"),
    [
        pytest.param(Voice(BOT, False, MAY), (), "you may not decide on your own request", id="the requester"),
        pytest.param(
            Voice(User(BOT.username.upper()), False, MAY), (), "your own request", id="the requester in capitals"
        ),
        pytest.param(
            Voice(person("other", uid=BOT.uid), False, MAY), (), "your own request", id="the requester under a new name"
        ),
        pytest.param(Voice(ANN, True, MAY), (), "ann is an agent", id="somebody whom a policy names"),
        pytest.param(
            Voice(ROBOT, False, MAY, is_unbound=True), (wanted(ROBOTS),), "static token", id="a token that never ends"
        ),
        pytest.param(Voice(ANN, False, ()), (), 'lacks verb "approve"', id="somebody without the verb"),
        pytest.param(Voice(ANN, False, {"other"}), (), "kubescrow.dev production", id="the verb for another policy"),
        pytest.param(
            Voice(person("joe", "dev"), False, MAY), (wanted(SRE),), "not among the approvers", id="no approver"
        ),
        pytest.param(
            Voice(ROBOT, False, MAY), (requirement(),), "not among the approvers", id="a ServiceAccount nobody named"
        ),
        pytest.param(
            Voice(ROBOT, False, MAY), (wanted(EVERYBODY),), "not among", id="a ServiceAccount named by a group only"
        ),
    ],
)
def test_who_may_not_decide(voice: Voice, asked: tuple[Requirement, ...], why: str) -> None:
    """Each of them is told which of the conditions is not met."""
    with pytest.raises(DecisionRefused, match=why):
        policies_for(voice, approval(*asked))


@given(st.sets(st.sampled_from(["production", "security"])), st.booleans(), st.sets(st.sampled_from(["sre", "dba"])))
def test_nobody_speaks_for_a_policy_without_the_verb(may: set[str], is_agent: bool, groups: set[str]) -> None:
    """Whatever the groups, the policies decided for are among those that the API server said yes to."""
    asked = (wanted(SRE), wanted(Subject(SubjectKind.GROUP, "dba"), policy="security"))
    fitting = may & {{"sre": "production", "dba": "security"}[group] for group in groups}
    try:
        said = policies_for(Voice(person("joe", *groups), is_agent, may), approval(*asked))
    except DecisionRefused:
        said = ()
    assert set(said) == (set() if is_agent else fitting)


@pytest.mark.parametrize(
    ("annotations", "decision"),
    [
        pytest.param({}, None, id="nothing asked"),
        pytest.param({REASON: "why"}, None, id="a reason alone asks for nothing"),
        pytest.param({DECISION: "approved"}, APPROVED, id="approved"),
        pytest.param({DECISION: "denied", REASON: "x" * REASON_LIMIT}, DENIED, id="denied with the longest reason"),
        pytest.param({DECISION: "revoked"}, REVOKED, id="revoked"),
    ],
)
def test_what_an_approver_asks(annotations: dict[str, str], decision: Decision | None) -> None:
    """The annotation holds one of three words."""
    assert asked_decision(annotations) is decision


@pytest.mark.parametrize("word", ["Approved", "approved ", "", "approve", "аpproved"], ids="{!r} is refused".format)
def test_another_word_is_refused_with_those_allowed(word: str) -> None:
    """A typing error is told, and never read as a decision."""
    with pytest.raises(DecisionRefused, match=r"^kubescrow.dev/decision: .* approved, denied, revoked$"):
        asked_decision({DECISION: word})


def test_a_long_reason_is_refused() -> None:
    """A reason over the limit is refused, not cut, with or without a decision."""
    for annotations in ({REASON: "x" * (REASON_LIMIT + 1)}, {REASON: "é" * (REASON_LIMIT + 1), DECISION: "denied"}):
        with pytest.raises(DecisionRefused, match="longer than 1024 characters"):
            asked_decision(annotations)


TWO = requirement(terms=Terms(approvals=2))
REASONED = requirement(terms=Terms(require_reason=True))


def turn(subject: Approval, chain: tuple[Entry, ...], new: Entry) -> None:
    """Let somebody decide one second after the last one."""
    check_turn(subject, new, chain, standing(subject, chain, now=after(1)))


@pytest.mark.parametrize(
    ("asked", "chain", "new"),
    [
        pytest.param(TWO, (), entry("ann"), id="the first one approves"),
        pytest.param(TWO, (entry("ann"),), entry("bob"), id="a second person approves"),
        pytest.param(TWO, (entry("ann"),), entry("bob", DENIED), id="a second person denies"),
        pytest.param(TWO, (entry("ann"),), entry("ann", DENIED), id="somebody thinks better of an approval"),
        pytest.param(requirement(), (entry("ann"),), entry("ann", REVOKED), id="an approver revokes"),
        pytest.param(requirement(), (entry("ann"),), entry("bob", REVOKED), id="another person revokes"),
        pytest.param(requirement(), (entry("ann"),), entry("ann", DENIED), id="an approver denies what is approved"),
        pytest.param(REASONED, (), entry("ann", reason="planned"), id="the required reason is given"),
        pytest.param(REASONED, (entry("ann", reason="ok"),), entry("bob", REVOKED), id="revoking needs no reason"),
    ],
)
def test_whose_turn_it_is(asked: Requirement, chain: tuple[Entry, ...], new: Entry) -> None:
    """Whoever may decide can always stop it, and people add up."""
    before = standing(approval(asked), chain, now=after(1))
    turn(approval(asked), chain, new)
    assert standing(approval(asked), (*chain, new), now=after(1)) != before


@pytest.mark.parametrize(
    ("asked", "chain", "new", "why"),
    [
        pytest.param(TWO, (entry("ann"),), entry("ann"), "ann has decided", id="nobody approves twice"),
        pytest.param(TWO, (entry("ann"),), entry("Ann"), "Ann has decided", id="nor in another case"),
        pytest.param(requirement(), (entry("ann"),), entry("bob"), "approved already", id="enough is enough"),
        pytest.param(
            TWO, (entry("ann"),), entry("bob", REVOKED), "nothing to revoke; use denied", id="what is pending"
        ),
        pytest.param(TWO, (entry("ann", DENIED),), entry("bob"), "is Denied", id="what was denied"),
        pytest.param(TWO, (entry("ann", DENIED),), entry("bob", REVOKED), "is Denied", id="revoking what was denied"),
        pytest.param(REASONED, (), entry("ann"), f"add {REASON}=", id="a reason is missing"),
        pytest.param(REASONED, (), entry("ann", DENIED), f"add {REASON}=", id="a denial without the reason"),
        pytest.param(REASONED, (), entry("ann", reason=" \t"), f"add {REASON}=", id="a reason of nothing"),
    ],
)
def test_whose_turn_it_is_not(asked: Requirement, chain: tuple[Entry, ...], new: Entry, why: str) -> None:
    """The person is told what stands against it and what to do instead."""
    with pytest.raises(DecisionRefused, match=why):
        turn(approval(asked), chain, new)


@pytest.mark.parametrize("at_s", [3600, 3601], ids="nobody decides {} s after the request".format)
def test_the_time_to_decide_ends(at_s: int) -> None:
    """At the second of decideBy it is over, for approvals as for denials."""
    for decision in Decision:
        with pytest.raises(DecisionRefused, match="is Expired and takes no more decisions"):
            check_turn(approval(), entry("ann", decision), (), standing(approval(), (), now=after(at_s)))


def test_a_full_chain_can_still_be_stopped() -> None:
    """However many people approve, one place is kept for a denial, so that nobody fills it up."""
    subject = approval(requirement("security"))
    chain = tuple(entry(f"person-{number}") for number in range(ENTRIES_LIMIT - 1))
    with pytest.raises(DecisionRefused, match="63 decisions and takes no more"):
        turn(subject, chain, entry("ann"))
    turn(subject, chain, entry("ann", DENIED))
    with pytest.raises(DecisionRefused, match="64 decisions and takes no more"):
        turn(subject, (*chain, entry("bob")), entry("ann", DENIED))


STORED = stored(spec(), decisions="[]", status={"state": "Pending"})


def with_change(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The stored Approval after one change."""
    new = copy.deepcopy(STORED)
    change(new)
    return new


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        pytest.param(
            lambda new: new["metadata"]["annotations"].update({DECISIONS: "x"}), [], id="decisions may change"
        ),
        pytest.param(lambda new: new["metadata"].pop("annotations"), [], id="their absence is for the chain to judge"),
        pytest.param(lambda new: new["status"].update(state="Approved"), [], id="the API server keeps the status"),
        pytest.param(lambda new: new.pop("status"), [], id="also when it is left out"),
        pytest.param(
            lambda new: new["metadata"].update(managedFields=[1]), [], id="the API server keeps managedFields"
        ),
        pytest.param(lambda new: new["spec"].update(change="nothing"), ["spec"], id="the spec"),
        pytest.param(lambda new: new.update(extra=1), ["extra"], id="a field of its own"),
        pytest.param(lambda new: new["metadata"].update(labels={"a": "b"}), ["metadata.labels"], id="a label"),
        pytest.param(
            lambda new: new["metadata"].update(ownerReferences=[{}], finalizers=["x"]),
            ["metadata.finalizers", "metadata.ownerReferences"],
            id="an owner or a finalizer, by which it would be removed or kept for ever",
        ),
        pytest.param(
            lambda new: new["metadata"]["annotations"].update({"another": "x", "other": "x"}),
            ["metadata.annotations[another]", "metadata.annotations[other]"],
            id="an annotation",
        ),
    ],
)
def test_what_changes_beside_decisions(change: Callable[[dict[str, Any]], None], fields: list[str]) -> None:
    """Every field that differs is named, in both directions, but what the API server keeps by itself."""
    assert changed_beside_decisions(STORED, with_change(change)) == fields
    assert changed_beside_decisions(with_change(change), STORED) == fields


@pytest.mark.parametrize("key", [DECISION, REASON])
def test_an_unsigned_decision_may_go_but_not_come(key: str) -> None:
    """The mutating guard should have taken it; what was written without it may be taken away, or be changed by it."""
    unsigned, other = ({"annotations": {DECISIONS: "[]", key: value}} for value in ("approved", "denied"))
    old, new, none = ({**STORED, "metadata": STORED["metadata"] | more} for more in (unsigned, other, {}))
    assert changed_beside_decisions(old, none) == []
    assert changed_beside_decisions(none, new) == [f"metadata.annotations[{key}]"]
    assert changed_beside_decisions(old, new) == [f"metadata.annotations[{key}]"]
    assert clears(unsigned["annotations"], {DECISIONS: "[]"})
    assert not clears({DECISIONS: "[]"}, unsigned["annotations"])
    assert not clears(unsigned["annotations"], other["annotations"])


@pytest.mark.parametrize(
    ("before", "after", "stale"),
    [
        pytest.param({}, {DECISION: "approved"}, "", id="nothing was there"),
        pytest.param({DECISION: "approved"}, {DECISION: "denied"}, "", id="another decision was there"),
        pytest.param({REASON: "r"}, {DECISION: "denied"}, "", id="a reason was there and goes"),
        pytest.param({DECISION: "denied"}, {DECISION: "denied"}, DECISION, id="the decision was there"),
        pytest.param({REASON: "r"}, {DECISION: "denied", REASON: "r"}, REASON, id="the reason was there"),
        pytest.param(
            {DECISION: "denied", REASON: "r"},
            {DECISION: "denied", REASON: "r"},
            f"{DECISION}, {REASON}",
            id="both were there",
        ),
    ],
)
def test_nobody_signs_what_lay_there(before: dict[str, str], after: dict[str, str], stale: str) -> None:
    """A decision or reason that was stored unsigned may be anybody's; the text says how to take it away."""
    if not stale:
        check_fresh(before, after)
        return
    with pytest.raises(DecisionRefused) as refused:
        check_fresh(before, after)
    assert str(refused.value).startswith(f"{stale}: written while the guard was away")
    assert str(refused.value).endswith(f"NAME {stale.replace(',', '-')}- and decide again")


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("", id="no reason"),
        pytest.param(" \t\n", id="white space"),
        pytest.param("\u200b\u2060", id="zero-width marks"),
        pytest.param("\u3164 \u2800", id="letters that are drawn as nothing"),
        pytest.param("\x00", id="a control character"),
    ],
)
def test_a_reason_that_shows_nothing_is_none(reason: str) -> None:
    """Characters that are drawn as nothing are no reason."""
    subject = approval(requirement(terms=Terms(require_reason=True)))
    with pytest.raises(DecisionRefused, match="a reason is required"):
        turn(subject, (), entry(ANN, reason=reason))


CHAIN = signed(approval(TWO), entry("bob"), entry(ANN))


@pytest.mark.parametrize(
    ("old", "new", "user", "after_s", "why"),
    [
        pytest.param(CHAIN, CHAIN, ANN, 0, "one decision at a time", id="nothing was added"),
        pytest.param((), CHAIN, ANN, 0, "one decision at a time", id="two were added"),
        pytest.param(CHAIN, CHAIN[:1], ANN, 0, "one decision at a time", id="one was taken away"),
        pytest.param(CHAIN[1:], CHAIN, ANN, 0, "one decision at a time", id="another beginning"),
        pytest.param(CHAIN[:1], CHAIN, person("joe"), 0, "somebody else", id="another author"),
        pytest.param(
            CHAIN[:1],
            CHAIN,
            person("ann", "sre", "system:authenticated", uid="9"),
            0,
            "somebody else",
            id="another uid",
        ),
        pytest.param(CHAIN[:1], CHAIN, person("ann", "sre"), 0, "somebody else", id="groups that the author has not"),
        pytest.param(CHAIN[:1], CHAIN, ANN, 61, "not signed just now", id="signed a while ago"),
        pytest.param(CHAIN[:1], CHAIN, ANN, -61, "not signed just now", id="signed in the future"),
    ],
)
def test_what_no_update_may_add(
    old: tuple[Entry, ...], new: tuple[Entry, ...], user: User, after_s: int, why: str
) -> None:
    """The validating guard takes nothing on trust that the mutating one should have done."""
    with pytest.raises(DecisionRefused, match=why):
        added_entry(old, new, user=user, now=after(after_s))


@pytest.mark.parametrize("after_s", [-60, 0, 0.9, 60], ids="{} s after it was signed".format)
def test_one_fresh_entry_of_the_user_may_be_added(after_s: float) -> None:
    """The clocks of two replicas may differ a little."""
    assert added_entry(CHAIN[:1], CHAIN, user=ANN, now=after(after_s)) == CHAIN[-1]
