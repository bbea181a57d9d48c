"""The policy that locks an agent: it names exactly one subject and denies everything. Pure.

It judges beside all other policies, and Deny beats everything, so what was approved before does not pass either: an
approval is used only if the policies that hold at that moment let it.
"""

from collections.abc import Mapping
from typing import Any

from kubescrow.agent.identity import Identity
from webhook.approval.record import API_VERSION
from webhook.approval.visible import visible

LOCK = {"kubescrow.dev/lock": "true"}
"""Label of every lock; `unlock` removes nothing without it."""

LOCKED_BY, REASON = "kubescrow.dev/locked-by", "kubescrow.dev/reason"

READS = ["GET", "LIST", "WATCH", "IMPERSONATE"]

REASON_LIMIT = 200
"""Characters of a reason: it is part of a denial, which is one line of at most 512."""


def lock_policy(whom: Identity, *, by: str, reason: str) -> dict[str, Any]:
    """Make the AgentPolicy. `by` and `reason` are what the agent and others read; the audit log is what proves."""
    why = f": {reason}" if reason else ""
    told = f"this agent is locked; stop, do not try again, and tell the person you work for; locked by {by}{why}"
    return {
        "apiVersion": API_VERSION,
        "kind": "AgentPolicy",
        "metadata": {
            "name": whom.lock_name,
            "labels": dict(LOCK),
            "annotations": {LOCKED_BY: by, **({REASON: reason} if reason else {})},
        },
        "spec": {
            "subjects": [whom.entry],
            "mode": "Enforce",
            "unmatched": "Deny",
            "failurePolicy": "Fail",
            # Everything is denied anyway; these would only make the one line that the agent reads longer.
            "defaults": {"laundering": "Allow", "unboundToken": "Allow", "kubeSystem": "Allow"},
            "rules": [
                {"name": "locked", "action": "Deny", "message": cel_text(told)},
                # Holds where the API server asks the authorizer; nothing is lost where it does not.
                {"name": "locked-reads", "action": "Deny", "match": {"operations": READS}, "message": cel_text(told)},
            ],
        },
    }


def is_lock(stored: Mapping[str, Any]) -> bool:
    """Say whether a stored AgentPolicy is a lock that we made."""
    metadata = stored.get("metadata") or {}
    return (metadata.get("labels") or {}).get("kubescrow.dev/lock") == "true"


def is_lock_of(stored: Mapping[str, Any], whom: Identity) -> bool:
    """Say whether a stored AgentPolicy is the lock of this subject and of nobody else."""
    return is_lock(stored) and names_only(stored, whom)


def names_only(stored: Mapping[str, Any], whom: Identity) -> bool:
    """Say whether a stored AgentPolicy names exactly this subject, so that writing over it frees nobody else."""
    return (stored.get("spec") or {}).get("subjects") == [whom.entry]


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Name the fields of the stored spec that weaken the lock; the message alone may be another.

    An admission policy that an agent left behind may exclude it, or make its lock observe.
    """
    spec, locks = stored.get("spec") or {}, wanted["spec"]
    empty = {key: value for key, value in spec.items() if key not in locks and value}
    return sorted({*empty} | {key for key in locks if _meaning(spec.get(key)) != _meaning(locks[key])})


def _meaning(value: Any) -> Any:
    """A value without the messages of rules, and without what the API server fills in as empty."""
    if isinstance(value, list):
        return [_meaning(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _meaning(item) for key, item in value.items() if key != "message" and item not in ({}, [], "")}
    return value


def enforced_since(stored: Mapping[str, Any]) -> str | None:
    """When the API server began to enforce the stored policy as it is now; None = it does not yet."""
    generation = (stored.get("metadata") or {}).get("generation")
    for condition in (stored.get("status") or {}).get("conditions") or ():
        is_current = condition.get("observedGeneration") == generation
        stops = condition.get("status") == "True" and condition.get("reason") == "Registered"  # not only observed
        if condition.get("type") == "Enforced" and stops and is_current:
            return str(condition.get("lastTransitionTime", ""))
    return None


def cel_text(text: str) -> str:
    """Write a CEL string literal whose value is the text, whatever it holds, with hidden characters made visible."""
    return '"' + "".join(_escaped(char) for char in visible(text)) + '"'


def _escaped(char: str) -> str:
    return char if " " <= char <= "~" and char not in '"\\' else f"\\U{ord(char):08x}"
