"""The policy under which a case is judged: its check denies, and nothing else does."""

from __future__ import annotations

from typing import Any

from tests.webhook.checks.cases import Case
from tests.webhook.policy.language import policy, rule
from webhook.policy.spec import Defaults

ALONE: dict[str, Any] = {"defaults": {"laundering": "Allow"}} if "laundering" in Defaults.model_fields else {}
"""Turns off what policies deny by themselves, so that the findings are those of the check."""


def policy_of(case: Case, *, name: str = "p", rule_name: str = "r") -> dict[str, Any]:
    """Write the policy of one case, for the user who sends it."""
    given = {} if case.is_manifest else case.said
    fields = {"parameters": given["parameters"]} if "parameters" in given else {}
    spec = {**ALONE, **({"serviceAccounts": given["serviceAccounts"]} if "serviceAccounts" in given else {})}
    written = policy(rule(name=rule_name, check=case.check, **fields), name=name, **spec)
    if "user" in given:
        written["spec"]["subjects"] = [{"user": given["user"]["username"]}]
    return written
