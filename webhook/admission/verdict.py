"""What we say to a request: Allow, Warn, Hold or Deny, with every finding in stable order.

A verdict is a value: `policy.evaluate` makes it, `gate` acts on it. Deny beats Hold beats Warn beats Allow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from webhook.admission.subject import Subject


class Action(IntEnum):
    """What a rule asks for; a higher value beats a lower one."""

    ALLOW = 0
    WARN = 1
    HOLD = 2
    DENY = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What a holding rule asks of people and how long it waits. Times in seconds."""

    approvals: int = 1
    wait_s: int = 60
    decide_within_s: int = 3600
    use_within_s: int = 600
    require_reason: bool = False
    approvers: tuple[Subject, ...] | None = None
    """Who may decide, beside the permission that everybody needs; None = no narrowing."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One rule's word on one request. `message` is for the agent: no secret, no exception text, one line."""

    policy: str
    rule: str
    message: str
    action: Action
    check: str = ""

    @property
    def rule_path(self) -> str:
        """`policy/rule`, the name by which messages and audit annotations call a rule."""
        return f"{self.policy}/{self.rule}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one holding rule demands before the request may pass."""

    policy: str
    rule: str
    terms: Terms


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one request. `requirements` is empty unless the action is HOLD."""

    action: Action
    findings: tuple[Finding, ...] = ()
    requirements: tuple[Requirement, ...] = ()


def verdict_of(findings: Iterable[Finding], requirements: Iterable[Requirement]) -> Verdict:
    """Combine all findings and holding rules into one verdict, strongest action first, stable order."""
    ordered = tuple(sorted(set(findings), key=lambda f: (-f.action, f.policy, f.rule, f.message, f.check)))
    action = ordered[0].action if ordered else Action.ALLOW
    held = sorted(requirements, key=lambda r: (r.policy, r.rule)) if action is Action.HOLD else ()
    return Verdict(action, ordered, tuple(held))
