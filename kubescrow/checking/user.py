"""Who would send the manifests: named on the command line, or the only one whom the policies name.

Source: k8s.io/apiserver/pkg/authentication (which groups everybody and every ServiceAccount has)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webhook.admission.request import CREDENTIAL_ID, SERVICE_ACCOUNT_PREFIX, TOKEN_ID, User
from webhook.admission.subject import SubjectKind
from webhook.policy.compile import PolicySet

ANONYMOUS = "system:anonymous"


class NoUser(Exception):
    """Nobody can be said to send the manifests; the text tells what to say."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What `--as`, `--as-group` and `--unbound` say. An empty name: whom the policies name."""

    name: str = ""
    groups: tuple[str, ...] = ()
    is_bound: bool = True


def user_of(said: Credential, policies: PolicySet) -> User:
    """Return the user with all that Kubernetes adds by itself.

    Raises:
        NoUser: none is named and the policies do not name exactly one ServiceAccount, or no policy names this user.
    """
    name = said.name or _only_account(policies)
    account = User(name).service_account
    extra = {CREDENTIAL_ID: (f"{TOKEN_ID}offline",)} if account and said.is_bound else {}
    user = User(name, groups=tuple(dict.fromkeys((*_own_groups(name, account), *said.groups))), extra=extra)
    if not policies.is_agent(user):
        raise NoUser(f"--as {name}: no policy names this user in these groups, so that everything would be allowed")
    return user


def user_info(user: User) -> Mapping[str, Any]:
    """Write a user as `request.userInfo`."""
    extra = {key: list(values) for key, values in user.extra.items()}
    return {"username": user.username, "groups": list(user.groups), **({"extra": extra} if extra else {})}


def _own_groups(name: str, account: tuple[str, str] | None) -> Iterable[str]:
    if account:
        return ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}", "system:authenticated")
    return ("system:unauthenticated",) if name == ANONYMOUS else ("system:authenticated",)


def _only_account(policies: PolicySet) -> str:
    entries = {entry for each in policies.subjects for entry in each.subjects}
    if len(entries) == 1:
        (entry,) = entries
        if entry.kind is SubjectKind.SERVICE_ACCOUNT and "*" not in entry.namespace + entry.name:
            return f"{SERVICE_ACCOUNT_PREFIX}{entry.namespace}:{entry.name}"
    raise NoUser("--as is left out and the policies do not name exactly one ServiceAccount; say as whom to judge")
