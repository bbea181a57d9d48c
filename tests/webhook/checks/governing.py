"""The policy under which a case is judged: its check denies, and nothing else does."""

from __future__ import annotations

from typing import Any

from tests.webhook.checks.cases import Case
from tests.webhook.policy.language import policy, rule


def policy_of(case: Case, *, name: str = "p", rule_name: str = "r") -> dict[str, Any]:
    """Write the policy of one case, for the user who sends it."""
    given = {} if case.is_manifest else case.said
    fields = {"parameters": given["parameters"]} if "parameters" in given else {}
    spec = {"serviceAccounts": given["serviceAccounts"]} if "serviceAccounts" in given else {}
    written = policy(rule(name=rule_name, check=case.check, **fields), name=name, **spec)
    if "user" in given:
        written["spec"]["subjects"] = [{"user": given["user"]["username"]}]
        written["spec"]["defaults"]["unboundToken"] = "Allow"  # so that what the check finds is found once
    return written
