"""Random policies, identities and requests: what our matching says is what the real API server delivers."""

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import pytest

from tests.controlplane.controlplane import ControlPlane
from tests.webhook.cluster.asks import Ask, asks, headers, stand
from tests.webhook.cluster.build import account, broken, group, policies, policy, user
from tests.webhook.cluster.conftest import Runner
from tests.webhook.cluster.matching import called, equivalents
from tests.webhook.cluster.recorder import EVERYBODY, Anybody, Recorder, recording, write
from webhook.admission.request import CREDENTIAL_ID, SERVICE_ACCOUNT_PREFIX, Operation, Request, User
from webhook.admission.review import decode
from webhook.checks.scope import Scope
from webhook.cluster import names
from webhook.cluster.discovery import served_versions
from webhook.cluster.manifests import configuration, webhook
from webhook.cluster.registration import JUDGE, delivers_everything, policies_configuration
from webhook.cluster.rules import CHATTER, EVENT_GROUPS, LEASE_GROUP, REVIEW_GROUPS
from webhook.policy.compile import BrokenPolicy, CompiledPolicy, PolicySet
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

SEED, SETS, REQUESTS = 20261123, 32, 14
"""448 requests; each set is one write to the API server."""

BOUND = {CREDENTIAL_ID: ("JTI=1",)}
GLOBS = ("*", "agents", "agents*", "*-2", "*gent*", "default", "kube-system")
NAME_GLOBS = ("*", "bot", "bot*", "*-2", "*ot*", "x:y")
OPERATIONS = ("*", "CREATE", "UPDATE", "DELETE", "CONNECT")
GROUPS = ("*", "", "apps", "autoscaling", "events.k8s.io", LEASE_GROUP, "rbac.authorization.k8s.io", *REVIEW_GROUPS)
RESOURCES = (
    *("*", "*/*", "pods", "pods/*", "pods/exec", "*/scale", "*/status", "configmaps", "secrets", "namespaces"),
    *("deployments", "deployments/scale", "horizontalpodautoscalers", "events", "leases", "subjectaccessreviews"),
    "serviceaccounts/token",
)


@dataclass(frozen=True)
class World:
    """What the tests of this module share: the API server's side, ours, and what each request is to admission."""

    recorder: Recorder
    anybody: Anybody
    controlplane: ControlPlane
    served: dict[tuple[str, str], str]
    requests: dict[int, Request]
    asks: list[Ask]

    def register(self, wanted: dict[str, Any]) -> None:
        write(self.controlplane, wanted)
        self.anybody.settle(self.recorder, self.controlplane)

    def send(self, caller: User, ask: Ask) -> tuple[str, list[dict[str, Any]]]:
        """Return the message of the answer, and what was delivered to the judge."""
        self.recorder.clear()
        _, message = self.anybody.ask(caller, *ask, headers=headers(ask))
        return message, self.recorder.reviews("/policies/")


@pytest.fixture(scope="module")
def world(controlplane: ControlPlane) -> Iterator[World]:
    stand(controlplane)
    served = Runner(controlplane.admin.kubeconfig)(served_versions)
    with recording(controlplane) as recorder, contextlib.closing(Anybody(controlplane)) as anybody:
        found = World(recorder, anybody, controlplane, served, {}, list(asks()))
        found.register(learning(recorder))
        for number, ask in enumerate(found.asks):
            message, reviews = found.send(User("learner", groups=(EVERYBODY,)), ask)
            assert len(reviews) == 1, f"{ask} is no request that admission sees: {message}"
            found.requests[number] = decode(review(reviews[0]))
        yield found


def learning(recorder: Recorder) -> dict[str, Any]:
    """A configuration that has everything of one user delivered, so that requests are what admission says they are."""
    rule = {
        "operations": ["*"],
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": ["*/*"],
    }
    condition = {"name": "learner", "expression": "request.userInfo.username == 'learner'"}
    address = recorder.endpoint.client_config("policies/learning")
    one = webhook("learning.kubescrow.dev", address, rules=[rule], behaviour=JUDGE, conditions=[condition])
    return configuration("ValidatingWebhookConfiguration", names.POLICIES_CONFIGURATION, [one])


def review(request: dict[str, Any]) -> bytes:
    return orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})


class Chance:
    """Random policies and identities, the same in each run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def one(self, choices: Any) -> Any:
        return self._random.choice(list(choices))

    def some(self, choices: Any, most: int, least: int = 1) -> list[Any]:
        return [self.one(choices) for _ in range(self._random.randint(least, most))]

    def subject(self) -> Any:
        kind = self.one("saaug")
        if kind in "sa":
            return account(self.one(GLOBS), self.one(NAME_GLOBS))
        if kind == "u":
            return user(self.one(["ci-*", "jane", "o'neil\\", "*-1", "system:serviceaccount:agents:*", "*:bot"]))
        return group(self.one(["bots*", "sre", "*s-1", "*ot*", "system:serviceaccounts:agents"]))

    def scope(self) -> Scope:
        return Scope.of(self.some(OPERATIONS, 2), self.some(GROUPS, 2), self.some(RESOURCES, 3))

    def policies(self, revision: str) -> PolicySet:
        laundering = self.one([True, False, False])
        members: list[CompiledPolicy | BrokenPolicy] = [
            policy(
                *[self.subject() for _ in range(self.one([1, 2, 3]))],
                exclude=[self.subject() for _ in range(self.one([0, 0, 1, 2]))],
                scopes=[self.scope() for _ in range(self.one([0, 1, 1, 2, 3]))],
                laundering=laundering,
                name=f"p{number}",
            )
            for number in range(self.one([1, 2, 3]))
        ]
        if self.one(range(8)) == 0:
            members.append(broken(self.subject()))
        return policies(*members, revision=revision)

    def caller(self) -> User:
        groups = self.some(["bots-1", "sre", "robots", "people"], 2, 0)
        if self.one("sssu") == "u":
            name = self.one(["ci-1", "jane", "o'neil\\", "system:serviceaccount", "x"])
            return User(name, groups=_groups(groups))
        namespace = self.one(["agents", "agents", "agents-2", "default", "kube-system"])
        name = f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{self.one(['bot', 'bot-2', 'x:y', 'other'])}"
        own = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
        return User(name, groups=_groups([*groups, *own]), extra=self.one([BOUND, BOUND, BOUND, {}]))


def _groups(groups: list[str]) -> tuple[str, ...]:
    return (*dict.fromkeys(groups), EVERYBODY, "system:authenticated")


def is_let_go(request: Request, policy_set: PolicySet) -> bool:
    """Say whether registration leaves a request out on purpose: an Event, a Lease of its own."""
    scopes = [scope for one in (*policy_set.policies, *policy_set.broken) for scope in one.scopes]
    resource, own = request.resource, request.user.service_account
    if (
        request.operation.value not in CHATTER
        or evaluate(request, replace(policy_set, broken=()), protected=Protected()).findings
    ):
        return False
    if resource.group == LEASE_GROUP and own is not None and own[0] == request.namespace:
        return not any(LEASE_GROUP in scope.api_groups or "leases" in scope.resources for scope in scopes)
    is_event = resource.resource == "events" and resource.group in EVENT_GROUPS
    as_written = [replace(request, operation=operation) for operation in (Operation.CREATE, Operation.UPDATE)]
    return is_event and not any(
        scope.covers(same) for scope in scopes for one in as_written for same in equivalents(one)
    )


def is_judged(request: Request, policy_set: PolicySet) -> bool:
    """Say whether a policy that names the caller, or an always-on rule, could say anything to a request."""
    naming = [one for one in (*policy_set.policies, *policy_set.broken) if one.names(request.user)]
    return bool(evaluate(request, policy_set, protected=Protected()).findings) or any(
        delivers_everything(one) or any(scope.covers(same) for scope in one.scopes for same in equivalents(request))
        for one in naming
    )


def test_what_is_judged_is_delivered_once_and_nothing_else_is(world: World) -> None:
    """The API server and our matching agree on each request; so do those and the judge."""
    chance = Chance(SEED)
    delivered = let_go = 0
    for number in range(SETS):
        policy_set = chance.policies(f"{number:04x}")
        wanted = policies_configuration(policy_set, endpoint=world.recorder.endpoint, served=world.served)
        world.register(wanted)
        for _ in range(REQUESTS):
            index, caller = chance.one(range(len(world.asks))), chance.caller()
            request = replace(world.requests[index], user=caller)
            said, reviews = world.send(caller, world.asks[index])
            told = f"{policy_set}\n{caller}\n{world.asks[index]}\n{said}"
            calls = called(wanted, request)
            assert len(reviews) == len(calls), f"delivered {len(reviews)} times, expected {calls}: {told}"
            assert not calls or calls[0] in said, told
            if is_judged(request, policy_set) and not is_let_go(request, policy_set):
                assert len(reviews) == 1, f"is judged, and was delivered {len(reviews)} times: {told}"
            if reviews:
                seen = decode(review(reviews[0]))
                assert (seen.user, seen.operation, seen.name) == (caller, request.operation, request.name), told
            delivered, let_go = delivered + len(reviews), let_go + (not reviews)
    assert min(delivered, let_go) > SETS * REQUESTS / 5, (delivered, let_go)
