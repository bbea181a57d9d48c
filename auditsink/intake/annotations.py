"""What the annotations of an audit event say: our verdict, births of tokens, webhooks that were skipped.

The webhook's `auditAnnotations` arrive as `<webhook name>/<key>`. Only names below `.policy.kubescrow.dev` speak: the
guards, which see everybody, use the same keys for other things. Several of our webhooks may see one request.

Source: k8s.io/apiserver pkg/admission/plugin/webhook/{validating,mutating}/dispatcher.go; plugin/pkg/audit truncate.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OURS = ".policy.kubescrow.dev"
STRENGTH = {"deny": 4, "hold": 3, "warn": 2, "allow": 1}
"""Verdicts, strongest highest; a word that we do not know is weaker than all."""

FAILED_OPEN = ("failed-open.validating.webhook.admission.k8s.io/", "failed-open.mutation.webhook.admission.k8s.io/")
TRUNCATED = "audit.k8s.io/truncated"
ISSUED = "authentication.kubernetes.io/issued-credential-id"


@dataclass(frozen=True, slots=True)
class Said:
    """What our webhooks said, together; empty if none spoke."""

    verdict: str = ""
    rules: str = ""
    approval: str = ""
    decided_by: str = ""


def said_by_policies(annotations: Mapping[str, Any]) -> Said:
    """Return the strongest verdict, every rule that spoke, and the approval of the strongest that names one."""
    by_webhook: dict[str, dict[str, str]] = {}
    for name, value in annotations.items():
        webhook, _, key = name.partition("/")
        if webhook.endswith(OURS) and isinstance(value, str):
            by_webhook.setdefault(webhook, {})[key] = value
    if not by_webhook:
        return Said()
    ordered = sorted(by_webhook.items(), key=lambda item: (-STRENGTH.get(item[1].get("verdict", ""), 0), item[0]))
    words = [said for _, said in ordered]
    rules = dict.fromkeys(rule for said in words for rule in said.get("rules", "").split(",") if rule)
    named = next((said for said in words if said.get("approval")), {})
    return Said(
        verdict=words[0].get("verdict", ""),
        rules=",".join(rules),
        approval=named.get("approval", ""),
        decided_by=named.get("decided-by", ""),
    )


def failed_open(annotations: Mapping[str, Any]) -> bool:
    """Tell whether the API server says that a webhook was skipped."""
    return any(name.startswith(FAILED_OPEN) for name in annotations)
