"""Whoever gets a token of another ServiceAccount is that ServiceAccount; a dry run gives a working token too.

Rule: tokens are asked for one's own ServiceAccount only.
Fields: CREATE of `serviceaccounts/token`, namespace and name.
Allowed: the ServiceAccount that asks; those in `serviceAccounts` of the policy.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#token-request
"""

from collections.abc import Iterator

from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.laundering.accounts import is_allowed
from webhook.checks.laundering.writing import what
from webhook.checks.scope import Scope

ID = "token-request"

_SCOPE = Scope.of(["CREATE"], [""], ["serviceaccounts/token"])


def judge(inspection: Inspection) -> Iterator[str]:
    """Refuse for another account."""
    request = inspection.request
    if _SCOPE.covers(request) and not is_allowed(inspection, request.namespace, request.name):
        remedy = "ask for one of your own account, or have this one listed in serviceAccounts of the policy"
        yield f"{what(request)} takes the identity of another ServiceAccount; {remedy}"


CHECK = Check(ID, judge, (_SCOPE,))
