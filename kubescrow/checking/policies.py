"""The policies to judge by, from manifests: all that compile, or every problem of those that do not."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from kubescrow.manifests.document import Unreadable
from kubescrow.manifests.files import Input
from kubescrow.manifests.objects import KubernetesObject, NoObject, objects_of
from kubescrow.manifests.stream import documents
from webhook.policy.compile import PolicySet, compile_set
from webhook.policy.model import readable_name
from webhook.policy.problem import Problem
from webhook.policy.protection import Protected
from webhook.trial.children import try_all

KIND = "AgentPolicy"


@dataclass(slots=True)
class Policies:
    """What was found: the policies, what is wrong with them, and what else lay about."""

    compiled: PolicySet = field(default_factory=PolicySet)
    count: int = 0
    problems: list[str] = field(default_factory=list)
    """One line each; with any of them nothing may be judged."""
    skipped: list[str] = field(default_factory=list)


def load(sources: Iterable[Input], *, are_tried: bool = False) -> Policies:
    """Read and compile all policies; if they are tried, then first in a process of their own, as by the webhook.

    Raises:
        NoInput: a file cannot be read.
        CannotTry: no process can be started to try them in.
    """
    found = Policies()
    stored: dict[str, KubernetesObject] = {}
    for policy in _policies(sources, found):
        found.count += 1
        name = readable_name(policy.value)
        if name in stored:
            found.problems.append(f"{policy.place}: policy {name}: has the name of the one in {stored[name].place}")
        stored.setdefault(name, policy)
    problems = _tried(stored) if are_tried else {}
    found.compiled = compile_set(policy.value for name, policy in stored.items() if not problems.get(name))
    problems.update({broken.name: broken.problems for broken in found.compiled.broken})
    for name, policy in stored.items():
        found.problems.extend(f"{policy.place}: policy {name}: {problem}" for problem in problems.get(name, ()))
    return found


def _tried(stored: Mapping[str, KubernetesObject]) -> dict[str, tuple[Problem, ...]]:
    results = asyncio.run(try_all([policy.value for policy in stored.values()])) if stored else []
    return dict(zip(stored, results, strict=True))


def _policies(sources: Iterable[Input], found: Policies) -> Iterator[KubernetesObject]:
    for source in sources:
        try:
            for document in documents(source.read()):
                for each in objects_of(source.name, document):
                    if isinstance(each, NoObject):
                        found.problems.append(f"{each.place}: {each.reason}")
                    elif (each.group, each.kind) == (Protected().group, KIND):
                        yield each
                    else:
                        found.skipped.append(f"{each.place}: skipped, a {each.kind} is no {KIND}")
        except Unreadable as err:
            found.problems.append(f"{source.name}:{err.line}: {err.reason}")
