"""Which agents there are: what policies name, and the ServiceAccounts that this matches. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubescrow.agent.identity import Identity
from kubescrow.agent.lock import enforced_since, is_lock
from kubescrow.approval.seen import Seen
from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, User
from webhook.admission.subject import Subject, SubjectKind
from webhook.approval.lifecycle import State
from webhook.policy.compile import PolicySet, compile_set

SERVICE_ACCOUNTS = "system:serviceaccounts"


@dataclass(frozen=True, slots=True)
class Agent:
    """One ServiceAccount that policies name, or an entry of policies that names something else.

    `lock` is "", "locked", or "locking" while the lock is not enforced. `asked` counts its approvals by state.
    """

    identity: Identity
    policies: tuple[str, ...]
    observed_only: bool
    lock: str
    asked: Mapping[State, int]
    last_asked: datetime | None


def agents(
    policies: Sequence[Mapping[str, Any]],
    accounts: Iterable[tuple[str, str]],
    approvals: Sequence[Seen],
    *,
    now: datetime,
) -> list[Agent]:
    """List every ServiceAccount (namespace, name) that a policy names, then every entry that matches none of them."""
    compiled = compile_set(list(policies))
    locks = {str(policy["metadata"]["name"]): policy for policy in policies if is_lock(policy)}
    found = [
        (Identity(Subject(SubjectKind.SERVICE_ACCOUNT, name, namespace)), name, namespace)
        for namespace, name in accounts
    ]
    users = [(identity, account_user(namespace, name)) for identity, name, namespace in found]
    listed = [
        _agent(identity, _named_by(compiled, user), compiled, locks, approvals, now)
        for identity, user in users
        if compiled.is_agent(user)
    ]
    everybody = [user for _, user in users]
    entries = sorted(_entries(compiled, everybody), key=lambda subject: (subject.kind, subject.namespace, subject.name))
    return sorted(listed, key=lambda agent: agent.identity.text) + [
        _agent(Identity(subject), _listing(compiled, subject), compiled, locks, approvals, now) for subject in entries
    ]


def account_user(namespace: str, name: str) -> User:
    """A ServiceAccount as the API server authenticates it."""
    groups = (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}", "system:authenticated")
    return User(f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}", groups=groups)


def governed_by(policies: Sequence[Mapping[str, Any]], user: User) -> tuple[str, ...]:
    """Name the policies of which somebody is a subject."""
    return _named_by(compile_set(list(policies)), user)


def _named_by(policies: PolicySet, user: User) -> tuple[str, ...]:
    return tuple(sorted(policy.name for policy in (*policies.policies, *policies.broken) if policy.names(user)))


def _listing(policies: PolicySet, subject: Subject) -> tuple[str, ...]:
    return tuple(sorted(each.policy for each in policies.subjects if subject in each.subjects))


def _entries(policies: PolicySet, accounts: Sequence[User]) -> Iterator[Subject]:
    """Entries that match no ServiceAccount: users and groups that only the identity provider knows, or nobody yet."""
    named = {subject for each in policies.subjects for subject in each.subjects}
    return (subject for subject in named if not any(subject.matches(user) for user in accounts))


def _agent(  # noqa: PLR0913, PLR0917 -- one row of all that is known
    identity: Identity,
    names: tuple[str, ...],
    policies: PolicySet,
    locks: Mapping[str, Mapping[str, Any]],
    approvals: Sequence[Seen],
    now: datetime,
) -> Agent:
    mine = [
        seen for seen in approvals if identity.username and seen.approval.spec.requester.username == identity.username
    ]
    held = [locks[name] for name in names if name in locks]
    modes = {policy.mode.value for policy in (*policies.policies, *policies.broken) if policy.name in names}
    states = [seen.state(now) for seen in mine]
    return Agent(
        identity=identity,
        policies=names,
        observed_only=modes == {"Observe"},
        lock="" if not held else "locked" if any(map(enforced_since, held)) else "locking",
        asked={state: states.count(state) for state in State if state in states},
        last_asked=max((seen.approval.spec.requested_at for seen in mine), default=None),
    )
