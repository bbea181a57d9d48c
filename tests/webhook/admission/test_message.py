"""What people, agents and programs read: fixed where they look for it, and one line each."""

import pytest

from webhook.admission import message
from webhook.admission.message import Notice
from webhook.admission.request import Kind, Operation, Request, Resource, User
from webhook.admission.review import Answer
from webhook.admission.verdict import Action, Finding, Verdict, verdict_of

NOTICE = Notice(
    name="appr-7f3a2c91d0e4b5a6",
    state="Pending",
    path="namespaces/prod",
    requester="system:serviceaccount:agents:bot",
    rules="production/hold-namespace-deletion",
    decide_by="2026-11-23T15:04:05Z",
)
SAID = Notice(
    NOTICE.name, "Denied", NOTICE.path, NOTICE.requester, NOTICE.rules, NOTICE.decide_by, "ann", "not on a Friday"
)
REQUEST = Request(
    "uid", Operation.DELETE, Kind("", "v1", "Namespace"), Resource("", "v1", "namespaces"), User(NOTICE.requester)
)
VERDICT = verdict_of(
    [
        Finding("b", "warned", "careful", Action.WARN),
        Finding("b", "held", "ask", Action.HOLD),
        Finding("a", "denied", "no", Action.DENY),
        Finding("a", "noted", "seen", Action.ALLOW),
    ],
    [],
)


def test_the_line_of_a_hold_is_exactly_this() -> None:
    """Agents and scripts look for this line; its start never changes."""
    answer = message.approval_required(REQUEST, NOTICE, retry_after_s=7)
    assert answer.message == (
        "APPROVAL_REQUIRED approval=appr-7f3a2c91d0e4b5a6 state=Pending decide-by=2026-11-23T15:04:05Z; "
        "DELETE namespaces/prod by system:serviceaccount:agents:bot is held by rule "
        "production/hold-namespace-deletion; approve: kubectl annotate approval appr-7f3a2c91d0e4b5a6 "
        "kubescrow.dev/decision=approved; then send the same request again"
    )


@pytest.mark.parametrize(
    ("retry_after_s", "code", "reason"),
    [
        pytest.param(7, 429, "TooManyRequests", id="a client that is to wait gets 429 with its pause"),
        pytest.param(None, 403, "Forbidden", id="a client that is not to wait gets 403 without one"),
    ],
)
def test_how_a_hold_is_answered(retry_after_s: int | None, code: int, reason: str) -> None:
    """Only 429 makes an unmodified client come back by itself."""
    answer = message.approval_required(REQUEST, NOTICE, retry_after_s=retry_after_s)
    assert (answer.allowed, answer.code, answer.reason) == (False, code, reason)
    assert answer.retry_after_s == retry_after_s
    assert answer.audit == {"verdict": "hold", "rules": NOTICE.rules, "approval": NOTICE.name}


def test_programs_read_the_same() -> None:
    """What the line says is in `status.details` too, by field."""
    answer = message.approval_required(REQUEST, NOTICE, retry_after_s=None)
    assert {field: text for _, field, text in answer.causes} == {
        "approval": NOTICE.name,
        "state": "Pending",
        "decideBy": NOTICE.decide_by,
        "rules": NOTICE.rules,
    }
    assert {reason for reason, _, _ in answer.causes} == {"ApprovalRequired"}


def test_a_denial_repeats_the_reason() -> None:
    """The agent learns who said no and why, and is told not to ask again; it never waits."""
    answer = message.approval_denied(REQUEST, SAID)
    assert answer.message == (
        "APPROVAL_DENIED approval=appr-7f3a2c91d0e4b5a6 state=Denied decided-by=ann; DELETE namespaces/prod by "
        "system:serviceaccount:agents:bot was denied: not on a Friday; do not send the same request again"
    )
    assert (answer.code, answer.retry_after_s, answer.audit["verdict"]) == (403, None, "deny")


def test_a_denial_without_a_reason_says_so() -> None:
    """There is no empty place in the line."""
    assert ": no reason given; " in message.approval_denied(REQUEST, NOTICE).message


def test_an_approval_that_cannot_be_used_says_why() -> None:
    """The line starts like that of a hold and asks for the same request once more."""
    answer = message.approval_unusable(REQUEST, NOTICE, "the caller went away")
    assert answer.message.startswith("APPROVAL_REQUIRED approval=appr-7f3a2c91d0e4b5a6 state=Pending decide-by=")
    assert answer.message.endswith(" did not pass: the caller went away; send the same request again")
    assert (answer.code, answer.audit["verdict"], answer.causes[0][0]) == (403, "hold", "ApprovalUnusable")


def test_a_refusal_lists_every_finding_strongest_first() -> None:
    """What would have held or warned is told with what denied; what only noted something is not."""
    answer = message.denied(VERDICT)
    assert (answer.code, answer.message) == (403, "a/denied: no; b/held: ask; b/warned: careful")
    assert answer.causes == (("DENY", "a/denied", "no"), ("HOLD", "b/held", "ask"), ("WARN", "b/warned", "careful"))
    assert answer.audit == {"verdict": "deny", "rules": "a/denied,b/held,b/warned,a/noted"}


def test_warnings_pass_with_the_request() -> None:
    """An allowed request carries its warnings, and the audit log knows more where we know more."""
    answer = message.allowed(VERDICT, audit={"approval": "appr-1"})
    assert (answer.allowed, answer.warnings) == (True, ("b/warned: careful",))
    assert answer.audit["approval"] == "appr-1"
    assert message.with_warning(answer, "more").warnings == ("b/warned: careful", "more")


def test_nothing_found_leaves_no_rules_in_the_audit_log() -> None:
    """An audit annotation is never empty."""
    assert message.allowed(Verdict(Action.ALLOW)) == Answer(True, audit={"verdict": "allow"})


def test_many_rules_fit_an_audit_annotation() -> None:
    """However many rules spoke, the annotation has a limit; each rule is named once."""
    many = [Finding("p", f"rule-{n}", text, Action.DENY) for n in range(2000) for text in ("a", "b")]
    rules = message.denied(verdict_of(many, [])).audit["rules"]
    assert len(rules) == message.AUDIT_VALUE_LIMIT
    assert rules.count("p/rule-1000,") == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param(403, "Forbidden", id="not allowed"),
        pytest.param(404, "NotFound", id="not there"),
        pytest.param(429, "TooManyRequests", id="not now"),
        pytest.param(500, "InternalError", id="our fault"),
    ],
)
def test_a_refusal_that_is_no_policys(code: int, reason: str) -> None:
    """Code, reason and cause go together, and the text is given in both places."""
    answer = message.refused("text", cause="LimitReached", code=code)
    assert (answer.allowed, answer.code, answer.reason, answer.message) == (False, code, reason, "text")
    assert answer.causes == (("LimitReached", "", "text"),)


def test_no_message_has_a_second_line() -> None:
    """Each text is one line, so that it can be searched for and quoted."""
    answers = (
        message.denied(VERDICT),
        message.approval_required(REQUEST, NOTICE, retry_after_s=1),
        message.approval_denied(REQUEST, SAID),
        message.approval_unusable(REQUEST, NOTICE, "why"),
    )
    assert all(len(answer.message.splitlines()) == 1 for answer in answers)
