"""Who a policy or a list of approvers means: one entry, and whether a user is it.

The same three kinds as in RBAC (serviceAccount, user, group), with `*` at either end of a name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from webhook.admission.request import User


class SubjectKind(StrEnum):
    """The field of a subject entry that is set."""

    SERVICE_ACCOUNT = "serviceAccount"
    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Subject:
    """One entry. `namespace` is used by ServiceAccounts only. Both may start or end with `*`."""

    kind: SubjectKind
    name: str
    namespace: str = ""

    def matches(self, user: User) -> bool:
        """Say whether this entry names the user."""
        match self.kind:
            case SubjectKind.SERVICE_ACCOUNT:
                account = user.service_account
                return (
                    account is not None
                    and glob_matches(self.namespace, account[0])
                    and glob_matches(self.name, account[1])
                )
            case SubjectKind.USER:
                return glob_matches(self.name, user.username)
            case SubjectKind.GROUP:
                return any(glob_matches(self.name, group) for group in user.groups)


def any_matches(subjects: Iterable[Subject], user: User) -> bool:
    """Say whether one of the entries names the user."""
    return any(subject.matches(user) for subject in subjects)


def glob_matches(glob: str, text: str) -> bool:
    """Match `text` with a glob whose only special character is `*` at its start, its end, or both."""
    starts_open, ends_open = glob.startswith("*"), glob.endswith("*")
    if glob in {"*", "**"}:
        return True
    core = glob[starts_open : len(glob) - ends_open]
    if starts_open and ends_open:
        return core in text
    if starts_open:
        return text.endswith(core)
    if ends_open:
        return text.startswith(core)
    return text == glob
