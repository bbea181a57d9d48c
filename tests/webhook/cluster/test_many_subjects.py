"""As many subjects as a policy may have, on the real API server: accepted, found, and nobody else pays for them."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.controlplane.controlplane import ControlPlane
from tests.webhook.cluster.build import account, group, policies, policy, user
from tests.webhook.cluster.conftest import Runner
from tests.webhook.cluster.recorder import EVERYBODY, Anybody, Recorder, recording
from webhook.admission.request import CREDENTIAL_ID, SERVICE_ACCOUNT_PREFIX, User
from webhook.admission.subject import Subject
from webhook.cluster import names
from webhook.cluster.client import Cluster
from webhook.cluster.registrar import Registrar
from webhook.policy.compile import PolicySet
from webhook.policy.fields import SUBJECTS_LIMIT

CONFIG_MAP = ("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", {"metadata": {"name": "x"}})
PERSON = User("jane", groups=(EVERYBODY, *(f"some-department-of-the-company-{number:03}" for number in range(500))))


@dataclass(frozen=True)
class World:
    """A cluster in which sets of policies can be registered, as the server does it."""

    recorder: Recorder
    anybody: Anybody
    controlplane: ControlPlane

    def register(self, policy_set: PolicySet) -> None:
        async def work(cluster: Cluster) -> None:
            one = Registrar(cluster, self.recorder.endpoint, policies=lambda: policy_set, is_leader=lambda: True)
            assert f"ValidatingWebhookConfiguration/{names.POLICIES_CONFIGURATION}" in await one.round()

        Runner(self.controlplane.service_account("kubescrow", "kubescrow-webhook").kubeconfig)(work)
        self.anybody.settle(self.recorder, self.controlplane)

    def deliveries(self, caller: User) -> tuple[int, str]:
        """Return how often a write of this caller is delivered, and the answer's message."""
        self.recorder.clear()
        _, message = self.anybody.ask(caller, *CONFIG_MAP)
        return len(self.recorder.reviews("/policies/")), message


@pytest.fixture(scope="module")
def world(controlplane: ControlPlane) -> Iterator[World]:
    with recording(controlplane) as recorder, contextlib.closing(Anybody(controlplane)) as anybody:
        yield World(recorder, anybody, controlplane)


def bot(name: str) -> User:
    return User(f"{SERVICE_ACCOUNT_PREFIX}{name}", groups=(EVERYBODY,), extra={CREDENTIAL_ID: ("JTI=1",)})


@pytest.mark.parametrize(
    ("subject", "caller"),
    [
        pytest.param(
            lambda n: account(f"team-{n:04}", "worker-*"),
            lambda n: bot(f"team-{n:04}:worker-1"),
            id="ServiceAccounts with globs",
        ),
        pytest.param(
            lambda n: account(f"team-{n:04}", f"{'worker' * 5}-{n}"),
            lambda n: bot(f"team-{n:04}:{'worker' * 5}-{n}"),
            id="ServiceAccounts with long names",
        ),
        pytest.param(lambda n: user(f"ci-{n:04}*"), lambda n: User(f"ci-{n:04}-x", groups=(EVERYBODY,)), id="users"),
        pytest.param(
            lambda n: group(f"g{n:04}"),
            lambda n: User("x", groups=(EVERYBODY, f"g{n:04}")),
            id="groups with short names",
        ),
        pytest.param(
            lambda n: group(f"*:bots-{n:04}*"),
            lambda n: User("x", groups=(EVERYBODY, f"oidc:bots-{n:04}:x")),
            id="groups with globs",
        ),
    ],
)
def test_two_thousand_are_registered(
    world: World, subject: Callable[[int], Subject], caller: Callable[[int], User]
) -> None:
    """The first, one between and the last are delivered once; a person with 500 groups is neither stopped nor sent."""
    world.register(policies(policy(*(subject(n) for n in range(SUBJECTS_LIMIT))), revision="r1"))
    for number in (0, SUBJECTS_LIMIT // 2, SUBJECTS_LIMIT - 1):
        assert world.deliveries(caller(number))[0] == 1, number
    assert world.deliveries(PERSON) == (0, "")


def test_as_many_groups_as_fit_into_one_condition_are_registered(world: World) -> None:
    """Names of four characters, of three policies: a person with 500 groups is neither stopped nor sent."""
    names_ = [f"{number:04x}" for number in range(3 * SUBJECTS_LIMIT)]
    parts = [names_[first : first + SUBJECTS_LIMIT] for first in range(0, len(names_), SUBJECTS_LIMIT)]
    world.register(policies(*(policy(*map(group, part), name=part[0]) for part in parts), revision="r2"))
    for name in (names_[0], names_[-1]):
        assert world.deliveries(User("x", groups=(EVERYBODY, name)))[0] == 1, name
    assert world.deliveries(PERSON) == (0, "")
