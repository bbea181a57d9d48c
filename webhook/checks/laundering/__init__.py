"""Everything by which an agent lets somebody else do the write, or takes another identity.

What a controller, a node or another account does for the agent is not the agent's request any more: it would be judged
as theirs, or not at all. These checks are on for every subject of every policy, unless `spec.defaults` turns them off.

Source: KUBERNETES.md facts in docs/adr and the tests beside each check
"""

from webhook.checks.check import Check

CHECKS: tuple[Check, ...] = ()
"""Every check of this family."""
