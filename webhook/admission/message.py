"""Every text that a cluster user sees, and the answer it belongs to.

Three readers: an agent (often a language model, often with a tool timeout), the person behind it, and programs,
which read `status.details`. The line of a hold starts with a fixed word and `key=value` pairs, then prose.
No text holds a secret or the text of an exception; what an agent wrote is made visible before it gets here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from webhook.admission.request import Request
from webhook.admission.review import Answer
from webhook.admission.verdict import Action, Finding, Verdict

FORBIDDEN = 403
NOT_FOUND = 404
TOO_MANY_REQUESTS = 429
INTERNAL_ERROR = 500

REASONS = {FORBIDDEN: "Forbidden", NOT_FOUND: "NotFound", TOO_MANY_REQUESTS: "TooManyRequests"}

AUDIT_VALUE_LIMIT = 4096
"""Characters of one audit annotation; many findings share it."""


def allowed(verdict: Verdict, *, audit: Mapping[str, str] | None = None) -> Answer:
    """Let the request pass, with the warnings of its findings."""
    warnings = tuple(_line(finding) for finding in verdict.findings if finding.action is Action.WARN)
    return Answer(True, warnings=warnings, audit={**audit_of(verdict, "allow"), **(audit or {})})


def mutated(verdict: Verdict, patch: tuple[Mapping[str, Any], ...], written: Iterable[str]) -> Answer:
    """Let the request go on, changed; the audit log knows what was set, and what observing policies would have set."""
    notes = {
        "set": "; ".join(written),
        "observed": "; ".join(_line(finding) for finding in verdict.findings),
    }
    return Answer(True, patch=patch, audit={key: note[:AUDIT_VALUE_LIMIT] for key, note in notes.items() if note})


def denied(verdict: Verdict) -> Answer:
    """Refuse with every finding: denials first, then what would have held or warned."""
    findings = [finding for finding in verdict.findings if finding.action > Action.ALLOW]
    return Answer(
        False,
        code=FORBIDDEN,
        reason="Forbidden",
        message="; ".join(_line(finding) for finding in findings),
        causes=tuple((finding.action.name, finding.rule_path, finding.message) for finding in findings),
        audit=audit_of(verdict, "deny"),
    )


def with_warning(answer: Answer, warning: str) -> Answer:
    """Add a warning that the API server prints to whoever asked."""
    return replace(answer, warnings=(*answer.warnings, warning))


def refused(text: str, *, cause: str, audit: Mapping[str, str] | None = None, code: int = FORBIDDEN) -> Answer:
    """Refuse for a reason that is no policy's: a limit, a guard, a fault. `cause` is one CamelCase word."""
    return Answer(
        False,
        code=code,
        reason=REASONS.get(code, "InternalError"),
        message=text,
        causes=((cause, "", text),),
        audit=audit or {},
    )


@dataclass(frozen=True, slots=True)
class Notice:
    """What an agent may know of its approval. `path` is the target, `decide_by` RFC 3339; no text has a line break."""

    name: str
    state: str
    path: str
    requester: str
    rules: str
    decide_by: str
    decided_by: str = ""
    reason: str = ""


def approval_required(request: Request, notice: Notice, *, retry_after_s: int | None) -> Answer:
    """Tell that a person must approve: 429 while the client is to wait, 403 after that."""
    name = notice.name
    text = (
        f"APPROVAL_REQUIRED approval={name} state={notice.state} decide-by={notice.decide_by}; "
        f"{request.operation} {notice.path} by {notice.requester} is held by rule {notice.rules}; "
        f"approve: kubectl annotate approval {name} kubescrow.dev/decision=approved; then send the same request again"
    )
    return _held(text, "ApprovalRequired", notice, retry_after_s)


def approval_denied(request: Request, notice: Notice) -> Answer:
    """Tell that a person said no, with the reason that the person gave."""
    reason = notice.reason or "no reason given"
    text = (
        f"APPROVAL_DENIED approval={notice.name} state={notice.state} decided-by={notice.decided_by}; "
        f"{request.operation} {notice.path} by {notice.requester} was {notice.state.lower()}: "
        f"{reason}; do not send the same request again"
    )
    return _held(text, "ApprovalDenied", notice, None)


def approval_unusable(request: Request, notice: Notice, why: str, *, retry_after_s: int | None = None) -> Answer:
    """Tell that an approval exists but lets nothing pass, and why; the same request may be sent again."""
    text = (
        f"APPROVAL_REQUIRED approval={notice.name} state={notice.state} decide-by={notice.decide_by}; "
        f"{request.operation} {notice.path} by {notice.requester} did not pass: {why}; "
        f"send the same request again"
    )
    return _held(text, "ApprovalUnusable", notice, retry_after_s)


def _held(text: str, cause: str, notice: Notice, retry_after_s: int | None) -> Answer:
    waits = retry_after_s is not None
    return Answer(
        False,
        code=TOO_MANY_REQUESTS if waits else FORBIDDEN,
        reason=REASONS[TOO_MANY_REQUESTS if waits else FORBIDDEN],
        message=text,
        retry_after_s=retry_after_s,
        causes=(
            (cause, "approval", notice.name),
            (cause, "state", notice.state),
            (cause, "decideBy", notice.decide_by),
            (cause, "rules", notice.rules),
        ),
        audit={
            "verdict": "hold" if cause != "ApprovalDenied" else "deny",
            "rules": notice.rules[:AUDIT_VALUE_LIMIT],
            "approval": notice.name,
            **({"decided-by": notice.decided_by[:AUDIT_VALUE_LIMIT]} if notice.decided_by else {}),
        },
    )


def audit_of(verdict: Verdict, word: str) -> dict[str, str]:
    """What the audit log is to know of a verdict: the word and the rules that spoke."""
    rules = ",".join(dict.fromkeys(finding.rule_path for finding in verdict.findings))
    return {"verdict": word, **({"rules": rules[:AUDIT_VALUE_LIMIT]} if rules else {})}


def _line(finding: Finding) -> str:
    return f"{finding.rule_path}: {finding.message}"
