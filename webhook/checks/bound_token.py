"""A ServiceAccount credential without a token's id is a static token, which never ends, or somebody who impersonates.

The always-on rule `unbound-token` says the same of every subject of a policy, unless `defaults.unboundToken` turns it
off. The check is for a policy that wants a hold, a warning, or some requests only.

Rule: a request of a ServiceAccount comes with a bound, short-lived token.
Fields: `userInfo.extra["authentication.kubernetes.io/credential-id"]` of every request.
Allowed: an id that begins with `JTI=`; users that are no ServiceAccounts, such as people, and agents by OIDC.
Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens;
    an impersonator needs a permission of its own to set that key, which the role `edit` does not give
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.scope import EVERYTHING
from webhook.checks.wording import one_line

ID = "bound-token"


def judge(inspection: Inspection) -> Iterator[str]:
    """Yield one message if the ServiceAccount's token is not bound."""
    if is_unbound(inspection.request):
        yield unbound_message(inspection.request)


def is_unbound(request: Request) -> bool:
    """Say whether a ServiceAccount asks, and not by a bound token."""
    return request.user.service_account is not None and not request.user.is_bound


def unbound_message(request: Request) -> str:
    """Say what is wrong with the credential, and what to use."""
    what = f"{request.operation.value} {request.target} comes with a ServiceAccount credential without a token's id"
    return one_line(
        f"{what}, which is a static token, a certificate or somebody who impersonates; "
        "use a short-lived token, as kubectl create token or a Pod's own volume gives it"
    )


CHECK = Check(ID, judge, (EVERYTHING,))
