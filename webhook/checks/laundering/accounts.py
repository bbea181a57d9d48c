"""Which ServiceAccounts an agent may act as: itself, and those that its policy lists."""

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, User
from webhook.admission.subject import any_matches
from webhook.checks.inspection import Inspection


def is_allowed(inspection: Inspection, namespace: str, name: str) -> bool:
    """Say whether the agent may act as this ServiceAccount; one without a name is nobody's."""
    if not namespace or not name:
        return False
    if inspection.request.user.service_account == (namespace, name):
        return True
    return any_matches(inspection.accounts, User(f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"))
