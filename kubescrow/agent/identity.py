"""Whom a command means: one ServiceAccount, user or group, exactly. Nothing of the world."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, User
from webhook.admission.subject import Subject, SubjectKind

KUBE_SYSTEM = "kube-system"
GROUP_OF_NAMESPACE = "system:serviceaccounts:"

SLUG_LIMIT = 40
HASH_DIGITS = 12
"""`lock-` and both are 58 characters, less than the 63 of a label; 48 bits keep two agents of a cluster apart, and the
whole subject is compared before anything is changed."""

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""What the API server takes as names of a ServiceAccount and a Namespace."""


class WrongIdentity(ValueError):
    """It names nobody, or somebody who must not be meant; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One subject of a policy, without globs."""

    subject: Subject

    @property
    def entry(self) -> dict[str, Any]:
        """The subject as a policy writes it."""
        subject = self.subject
        if subject.kind is SubjectKind.SERVICE_ACCOUNT:
            return {"serviceAccount": {"namespace": subject.namespace, "name": subject.name}}
        return {subject.kind.value: subject.name}

    @property
    def username(self) -> str:
        """The username of a ServiceAccount or user; empty for a group."""
        subject = self.subject
        if subject.kind is SubjectKind.SERVICE_ACCOUNT:
            return f"{SERVICE_ACCOUNT_PREFIX}{subject.namespace}:{subject.name}"
        return subject.name if subject.kind is SubjectKind.USER else ""

    @property
    def text(self) -> str:
        """For people: `ServiceAccount agents/bot`, `user ci-7`, `group bots`."""
        subject = self.subject
        if subject.kind is SubjectKind.SERVICE_ACCOUNT:
            return f"ServiceAccount {subject.namespace}/{subject.name}"
        return f"{subject.kind.value} {subject.name}"

    @property
    def lock_name(self) -> str:
        """The name of the AgentPolicy that locks it: readable, bounded, and another one for every other subject."""
        subject = self.subject
        exact = "\0".join((subject.kind.value, subject.namespace, subject.name))
        digits = hashlib.sha256(exact.encode()).hexdigest()[:HASH_DIGITS]
        words = f"{subject.namespace}-{subject.name}" if subject.namespace else subject.name
        slug = re.sub(r"[^a-z0-9]+", "-", words.lower())[:SLUG_LIMIT].strip("-")
        return f"lock-{slug}-{digits}" if slug else f"lock-{digits}"


def service_account(namespace: str, name: str) -> Identity:
    """Mean a ServiceAccount.

    Raises:
        WrongIdentity: the API server would take no such names.
    """
    if not NAMESPACE.fullmatch(namespace) or not NAME.fullmatch(name):
        raise WrongIdentity(f"ServiceAccount {namespace}/{name}: allowed: lower case letters, digits, - and ., no *")
    return Identity(Subject(SubjectKind.SERVICE_ACCOUNT, name, namespace))


def identity(name: str, *, namespace: str, user: str, group: str) -> Identity:
    """Read whom the arguments mean. A ServiceAccount may be NAME with a namespace, NAMESPACE/NAME, or its username.

    Raises:
        WrongIdentity: none or several are named, or it is a glob.
    """
    if sum(map(bool, (name, user, group))) != 1:
        raise WrongIdentity("allowed: exactly one of NAME, --user, --group")
    if name.startswith(SERVICE_ACCOUNT_PREFIX) or user.startswith(SERVICE_ACCOUNT_PREFIX):
        account = User(name or user).service_account or ("", "")
        return _agreeing(service_account(*account), namespace)
    if user or group:
        if namespace:
            raise WrongIdentity(f"--namespace {namespace}: only a ServiceAccount has one")
        return _by_name(SubjectKind.USER, user) if user else _by_name(SubjectKind.GROUP, group)
    place, slash, rest = name.partition("/")
    if slash:
        return _agreeing(service_account(place, rest), namespace)
    if not namespace:
        raise WrongIdentity(f"{name}: of which namespace? allowed: NAME -n NAMESPACE, NAMESPACE/NAME, --user, --group")
    return service_account(namespace, name)


def why_not_lockable(whom: Identity, *, me: User, own_namespace: str) -> str:
    """Say why nobody should be locked like this, because people or the cluster itself would stop; empty = fine."""
    subject = whom.subject
    if subject.matches(me):
        return f"{whom.text} is you ({me.username}): you could not unlock it any more"
    if subject.kind is SubjectKind.SERVICE_ACCOUNT:
        is_system = subject.namespace in {KUBE_SYSTEM, own_namespace}
        return f"{whom.text}: the cluster or Kubescrow itself works by it" if is_system else ""
    namespace = subject.name.removeprefix(GROUP_OF_NAMESPACE) if subject.name.startswith(GROUP_OF_NAMESPACE) else ""
    if subject.kind is SubjectKind.GROUP and namespace and namespace not in {KUBE_SYSTEM, own_namespace}:
        return ""
    is_system = subject.name.startswith("system:")
    return f"{whom.text}: the cluster itself works by what begins with system:" if is_system else ""


def _agreeing(whom: Identity, namespace: str) -> Identity:
    if namespace not in {"", whom.subject.namespace}:
        raise WrongIdentity(f"--namespace {namespace}: {whom.text} lies in another one")
    return whom


def _by_name(kind: SubjectKind, name: str) -> Identity:
    if "*" in name or len(name) > 253 or not name.isprintable():
        raise WrongIdentity(f"{kind.value} {name}: allowed: one exact name of at most 253 characters, no *")
    return Identity(Subject(kind, name))
