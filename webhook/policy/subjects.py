"""Whom a policy names: its subjects without its excluded subjects, ready to be asked for each request.

Exact names are looked up in sets, only globs are tried one by one: 2,000 ServiceAccounts cost one look-up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, User
from webhook.admission.subject import Subject, SubjectKind, any_matches


@dataclass(frozen=True, slots=True)
class SubjectIndex:
    """Entries as sets; says the same as `subject.any_matches` on the entries."""

    usernames: frozenset[str]
    groups: frozenset[str]
    globs: tuple[Subject, ...]

    @classmethod
    def of(cls, subjects: Iterable[Subject]) -> "SubjectIndex":
        """Sort entries into sets and globs."""
        entries = tuple(subjects)
        exact = [entry for entry in entries if "*" not in entry.name + entry.namespace]
        return cls(
            usernames=frozenset(_username(entry) for entry in exact if entry.kind is not SubjectKind.GROUP),
            groups=frozenset(entry.name for entry in exact if entry.kind is SubjectKind.GROUP),
            globs=tuple(entry for entry in entries if "*" in entry.name + entry.namespace),
        )

    def matches(self, user: User) -> bool:
        """Say whether one of the entries names the user."""
        return (
            user.username in self.usernames or not self.groups.isdisjoint(user.groups) or any_matches(self.globs, user)
        )


@dataclass(frozen=True, slots=True)
class PolicySubjects:
    """The entries of one policy, as registration needs them."""

    policy: str
    subjects: tuple[Subject, ...]
    exclude_subjects: tuple[Subject, ...]


def _username(entry: Subject) -> str:
    if entry.kind is SubjectKind.SERVICE_ACCOUNT:
        return f"{SERVICE_ACCOUNT_PREFIX}{entry.namespace}:{entry.name}"
    return entry.name
