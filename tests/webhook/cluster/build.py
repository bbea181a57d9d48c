"""Short ways to write policies, subjects and endpoints in tests."""

from collections.abc import Sequence

from webhook.admission.subject import Subject, SubjectKind
from webhook.checks.scope import EVERYTHING, Scope
from webhook.cluster.keys import ROOMS
from webhook.cluster.manifests import Endpoint
from webhook.policy.compile import BrokenPolicy, CompiledPolicy, PolicySet
from webhook.policy.fields import Default
from webhook.policy.spec import Defaults

ENDPOINT = Endpoint("kubescrow", "kubescrow-webhook", 443, "CA", dict.fromkeys(ROOMS, "5ec2e7"))


def account(namespace: str, name: str) -> Subject:
    return Subject(SubjectKind.SERVICE_ACCOUNT, name, namespace)


def user(name: str) -> Subject:
    return Subject(SubjectKind.USER, name)


def group(name: str) -> Subject:
    return Subject(SubjectKind.GROUP, name)


def policy(
    *subjects: Subject,
    exclude: Sequence[Subject] = (),
    scopes: Sequence[Scope] = (EVERYTHING,),
    name: str = "p",
    laundering: bool = True,
) -> CompiledPolicy:
    """`laundering=False`: only what `scopes` and the always-on rules are about needs to be delivered."""
    return CompiledPolicy(
        name=name,
        subjects=subjects,
        exclude_subjects=tuple(exclude),
        scopes=tuple(scopes),
        defaults=Defaults(laundering=Default.DENY if laundering else Default.ALLOW),
    )


def broken(*subjects: Subject) -> BrokenPolicy:
    return BrokenPolicy(name="broken", subjects=subjects)


def policies(*members: CompiledPolicy | BrokenPolicy, revision: str = "r1") -> PolicySet:
    return PolicySet(
        policies=tuple(one for one in members if isinstance(one, CompiledPolicy)),
        broken=tuple(one for one in members if isinstance(one, BrokenPolicy)),
        revision=revision,
    )
