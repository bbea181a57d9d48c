"""Writes that give somebody dangerous permissions, whoever it is.

The API server lets nobody give what they do not have themselves, unless they may `escalate` or `bind`. An agent that
has much by itself can give it away, and that is what these checks stop.

Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
"""

from webhook.checks.check import Check

CHECKS: tuple[Check, ...] = ()
"""Every check of this family."""
