"""Mode Observe: a finding is recorded and stops nothing."""

from dataclasses import replace

from webhook.admission.verdict import Action, Finding
from webhook.checks.wording import one_line

_WOULD = {Action.ALLOW: "allow", Action.WARN: "warn", Action.HOLD: "hold", Action.DENY: "deny"}


def observed(finding: Finding) -> Finding:
    """Turn a finding into its record: action Allow, and a message that says what would have happened."""
    would = one_line(f"observe: would {_WOULD[finding.action]}: {finding.message}")
    return replace(finding, action=Action.ALLOW, message=would)
