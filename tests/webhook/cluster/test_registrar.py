"""What the API server asks us is what the policies say, whoever edits it and whatever vanishes."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.controlplane.controlplane import ControlPlane
from tests.webhook.cluster.build import account, broken, group, policies, policy, user
from tests.webhook.cluster.conftest import ROOT, Runner
from tests.webhook.policy.language import policy as written
from webhook.checks.scope import EVERYTHING, Scope
from webhook.cluster import names
from webhook.cluster.client import Cluster
from webhook.cluster.errors import ClusterError, NotFound
from webhook.cluster.events import Events
from webhook.cluster.keys import ROOMS
from webhook.cluster.lease import Leadership
from webhook.cluster.manifests import Endpoint
from webhook.cluster.registrar import Registrar, guards_stand
from webhook.cluster.watch import Reflector
from webhook.policy.compile import PolicySet, compile_set
from webhook.tls import new_authority

ENDPOINT = Endpoint(
    "kubescrow",
    "kubescrow-webhook",
    443,
    new_authority(datetime.now(UTC)).certificate_pem,
    dict.fromkeys(ROOMS, "5ec2e7"),
)
POLICIES = f"{names.VALIDATING}/{names.POLICIES_CONFIGURATION}"
GUARDS = f"{names.VALIDATING}/{names.GUARDS_CONFIGURATION}"
MUTATIONS = f"{names.MUTATING}/{names.POLICIES_CONFIGURATION}"
DECISIONS = f"{names.MUTATING}/{names.GUARDS_CONFIGURATION}"
FLOW = [f"{names.PRIORITY_LEVELS}/{names.FLOW}", f"{names.FLOW_SCHEMAS}/{names.FLOW}"]
BOTS = policies(
    policy(
        account("agents", "*"),
        group("bots"),
        user("o'neil*"),
        exclude=[user("jane")],
        scopes=[
            Scope(("CREATE", "UPDATE"), ("", "apps"), ("pods", "pods/exec", "deployments", "deployments/scale")),
            Scope(("DELETE",), ("autoscaling",), ("horizontalpodautoscalers",)),
            Scope(("*",), ("example.org",), ("*",)),
        ],
    ),
    revision="r1",
)
MARKED = compile_set(
    [
        written(
            {
                "name": "mark",
                "match": {"operations": ["CREATE"], "resources": ["pods", "deployments/scale", "*"]},
                "action": "Mutate",
                "set": {"metadata.labels.a": "'b'"},
            }
        )
    ]
)
"""A policy that writes."""


@pytest.fixture(autouse=True)
def nothing_registered(as_admin: Runner) -> Iterator[None]:
    """Each test begins and ends without our objects: registered webhooks without a server would stop the next one."""

    async def work(cluster: Cluster) -> None:
        for path in (POLICIES, MUTATIONS, GUARDS, DECISIONS, *FLOW):
            try:
                await cluster.delete(path)
            except NotFound:
                continue

    as_admin(work)
    yield
    as_admin(work)


def registrar(cluster: Cluster, found: PolicySet | None = BOTS, **settings: Any) -> Registrar:
    return Registrar(cluster, ENDPOINT, **{"policies": lambda: found, "is_leader": lambda: True, **settings})


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(BOTS, id="named resources, users, groups and an exclusion"),
        pytest.param(MARKED, id="a policy that writes"),
        pytest.param(policies(), id="no policy at all"),
        pytest.param(policies(broken(user("x"))), id="a broken policy"),
        pytest.param(policies(policy(user("a"), scopes=[EVERYTHING])), id="everything"),
        pytest.param(policies(policy(*(user(f"{'x' * 200}{n}") for n in range(400)))), id="two selections"),
    ],
)
def test_the_api_server_keeps_what_we_write_as_we_write_it(as_server: Runner, found: PolicySet) -> None:
    """No field is defaulted or changed, so nothing is written twice. The server's own roles suffice."""

    async def work(cluster: Cluster) -> None:
        written = await registrar(cluster, found).round()
        assert written == [
            "ValidatingWebhookConfiguration/kubescrow-guards",
            "MutatingWebhookConfiguration/kubescrow-guards",
            "PriorityLevelConfiguration/kubescrow-agents",
            "FlowSchema/kubescrow-agents",
            "MutatingWebhookConfiguration/kubescrow-policies",
            "ValidatingWebhookConfiguration/kubescrow-policies",
        ]
        assert await registrar(cluster, found).round() == []
        assert await guards_stand(cluster, ENDPOINT)

    as_server(work)


def test_a_named_resource_is_registered_with_the_version_that_is_served(as_server: Runner) -> None:
    """As the API server's discovery says."""

    async def work(cluster: Cluster) -> None:
        await registrar(cluster).round()
        webhooks = {webhook["name"].partition(".")[0]: webhook for webhook in (await cluster.get(POLICIES))["webhooks"]}
        rules = [*webhooks["rules"]["rules"], *webhooks["wildcards"]["rules"]]
        versions = {(g, r): rule["apiVersions"] for rule in rules for g in rule["apiGroups"] for r in rule["resources"]}
        assert versions["autoscaling", "horizontalpodautoscalers"] == ["v2"]
        assert versions["apps", "deployments/scale"] == ["v1"]
        assert versions["*", "*/*"] == ["*"]

    as_server(work)


Edit = Callable[[Cluster], Awaitable[object]]


def changed(change: Callable[[dict[str, Any]], object], path: str = POLICIES) -> Edit:
    """Change the first webhook of a configuration, the policies' if none is given."""

    async def edit(cluster: Cluster) -> None:
        live = await cluster.get(path)
        change(live["webhooks"][0])
        await cluster.replace(path, live)

    return edit


OTHER_CA = base64.b64encode(new_authority(datetime.now(UTC)).certificate_pem.encode()).decode()
EDITS = {
    "a CA of somebody else": lambda one: one["clientConfig"].update(caBundle=OTHER_CA),
    "another path": lambda one: one["clientConfig"]["service"].update(path="/elsewhere"),
    "another Service": lambda one: one["clientConfig"]["service"].update(name="elsewhere"),
    "fewer operations": lambda one: one["rules"][0].update(operations=["CONNECT"]),
    "a rule less": lambda one: one["rules"].pop(),
    "only objects of the cluster": lambda one: one["rules"][0].update(scope="Cluster"),
    "it fails open": lambda one: one.update(failurePolicy="Ignore"),
    "other versions slip by": lambda one: one.update(matchPolicy="Exact"),
    "nobody is an agent": lambda one: one["matchConditions"][0].update(expression="false"),
    "a condition more": lambda one: one["matchConditions"].append({"name": "never", "expression": "false"}),
    "a selector on namespaces": lambda one: one.update(namespaceSelector={"matchLabels": {"a": "b"}}),
    "a selector on objects": lambda one: one.update(objectSelector={"matchLabels": {"a": "b"}}),
    "no time to wait": lambda one: one.update(timeoutSeconds=1),
    "no dry run": lambda one: one.update(sideEffects="None"),
}


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        pytest.param(lambda c: c.delete(GUARDS), GUARDS, id="guards deleted"),
        pytest.param(lambda c: c.patch(DECISIONS, {"webhooks": []}), DECISIONS, id="decisions emptied"),
        pytest.param(lambda c: c.patch(POLICIES, {"webhooks": []}), POLICIES, id="policies emptied"),
        pytest.param(lambda c: c.delete(POLICIES), POLICIES, id="policies deleted"),
        pytest.param(lambda c: c.delete(FLOW[1]), FLOW[1], id="flow schema deleted"),
        *(pytest.param(changed(change), POLICIES, id=name) for name, change in EDITS.items()),
        pytest.param(lambda c: c.delete(MUTATIONS), MUTATIONS, id="mutations deleted"),
        pytest.param(lambda c: c.patch(MUTATIONS, {"webhooks": []}), MUTATIONS, id="mutations emptied"),
        pytest.param(
            changed(lambda one: one.update(reinvocationPolicy="Never"), MUTATIONS), MUTATIONS, id="mutations not again"
        ),
        pytest.param(
            changed(EDITS["a selector on objects"], MUTATIONS), MUTATIONS, id="mutations with a selector on objects"
        ),
    ],
)
def test_an_edit_is_healed_within_five_seconds(as_admin: Runner, edit: Edit, path: str) -> None:
    collection, _, name = path.rpartition("/")

    async def work(cluster: Cluster) -> None:
        reflector = Reflector(cluster, collection)
        healer = registrar(cluster, MARKED)
        await healer.round()
        wanted = await cluster.get(path)
        tasks = [asyncio.create_task(reflector.run()), asyncio.create_task(healer.run())]
        await reflector.ready()
        await edit(cluster)

        def is_healed(live: dict[str, Any] | None) -> bool:
            part = "spec" if "spec" in wanted else "webhooks"
            is_touched = (
                live is not None and live["metadata"]["resourceVersion"] != wanted["metadata"]["resourceVersion"]
            )
            return is_touched and live is not None and live.get(part) == wanted[part]

        assert await reflector.wait_for(name, is_healed, timeout_s=5)
        for task in tasks:
            task.cancel()

    as_admin(work)


def healed(path: str) -> float:
    kind = {names.VALIDATING: "ValidatingWebhookConfiguration"}[path.rpartition("/")[0]]
    labels = {"name": f"{kind}/{path.rpartition('/')[2]}"}
    return REGISTRY.get_sample_value("kubescrow_webhook_configurations_healed_total", labels) or 0


@pytest.mark.parametrize(
    ("edit", "note"),
    [
        pytest.param(changed(EDITS["it fails open"]), "somebody changed webhooks[0].failurePolicy", id="one field"),
        pytest.param(lambda c: c.delete(POLICIES), "somebody deleted it", id="the whole object"),
    ],
)
def test_what_was_healed_is_told_on_the_object_and_counted(
    as_admin: Runner, as_server: Runner, edit: Edit, note: str
) -> None:
    """Where `kubectl describe` shows it; once a minute and object at most, however often it is changed."""

    async def work(cluster: Cluster) -> None:
        events = Events(cluster, instance="pod-0", clock=lambda: datetime.now(UTC))
        healer, before = registrar(cluster, events=events), healed(POLICIES)
        await healer.round()
        for _ in range(2):
            as_admin_now = await Cluster.connect(as_admin.kubeconfig)
            await edit(as_admin_now)
            await as_admin_now.close()
            assert await healer.round() == ["ValidatingWebhookConfiguration/kubescrow-policies"]
        assert healed(POLICIES) == before + 2

    async def told(cluster: Cluster) -> None:
        name = f"involvedObject.name={names.POLICIES_CONFIGURATION}"
        found = await cluster.list_all("/api/v1/namespaces/default/events", query={"fieldSelector": name})
        (event,) = [one for one in found if note in one["message"]]
        assert (event["reason"], event["type"]) == ("Healed", "Warning")
        assert event["involvedObject"]["uid"]

    as_server(work)
    as_admin(told)


def test_the_first_registration_is_no_healing(as_server: Runner) -> None:
    """Nor is what changed policies, or a new certificate, change."""

    async def work(cluster: Cluster) -> None:
        found, before = [BOTS], healed(POLICIES)
        writer = registrar(cluster, policies=lambda: found[0])
        await writer.round()
        found[0] = policies(*BOTS.policies, revision="r2")
        assert await writer.round() == ["ValidatingWebhookConfiguration/kubescrow-policies"]
        assert healed(POLICIES) == before

    as_server(work)


def test_of_two_that_write_at_once_one_writes(as_server: Runner) -> None:
    """Both believe that they lead, as after a long pause: every object is written once and stands as it should."""

    async def work(cluster: Cluster) -> None:
        written = await asyncio.gather(*(registrar(cluster).round() for _ in range(2)))
        flat = sorted(name for names_ in written for name in names_)
        assert len(flat) == len(set(flat)) == 6
        assert await registrar(cluster).round() == []

    as_server(work)


def test_of_two_replicas_that_contend_for_the_lease_one_writes(as_server: Runner) -> None:
    """The other one looks at nothing."""

    async def work(cluster: Cluster) -> None:
        leaders = [Leadership(cluster, "kubescrow", identity=f"pod-{number}") for number in range(2)]
        await asyncio.gather(*(leader.step() for leader in leaders))
        writers = [registrar(cluster, is_leader=lambda one=leader: one.is_leader) for leader in leaders]
        written = await asyncio.gather(*(writer.round() for writer in writers))
        assert sorted(map(len, written)) == [0, 6]
        for leader in leaders:
            await leader.release()

    as_server(work)


def test_changed_policies_are_registered_at_once(as_admin: Runner) -> None:
    """Not only at the next round."""

    async def work(cluster: Cluster) -> None:
        reflector = Reflector(cluster, names.VALIDATING)
        found = [BOTS]
        writer = registrar(cluster, policies=lambda: found[0])
        tasks = [asyncio.create_task(reflector.run()), asyncio.create_task(writer.run())]

        def has(revision: str) -> Callable[[dict[str, Any] | None], bool]:
            return lambda live: live is not None and revision in live["webhooks"][0]["clientConfig"]["service"]["path"]

        assert await reflector.wait_for(names.POLICIES_CONFIGURATION, has("r1"), timeout_s=10)
        found[0] = policies(*BOTS.policies, revision="r2")
        writer.policies_changed()
        assert await reflector.wait_for(names.POLICIES_CONFIGURATION, has("r2"), timeout_s=1.5)
        for task in tasks:
            task.cancel()

    as_admin(work)


async def fails_open(cluster: Cluster) -> None:
    live = await cluster.get(GUARDS)
    live["webhooks"][0]["failurePolicy"] = "Ignore"
    await cluster.replace(GUARDS, live)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda c: c.delete(GUARDS), id="the validating guards are missing"),
        pytest.param(lambda c: c.delete(DECISIONS), id="the mutating guard is missing"),
        pytest.param(fails_open, id="a guard fails open"),
        pytest.param(lambda c: c.patch(DECISIONS, {"webhooks": []}), id="the mutating guard is empty"),
    ],
)
def test_guards_that_were_touched_do_not_stand(as_admin: Runner, edit: Edit) -> None:
    """So no claim is made, from this moment on."""

    async def work(cluster: Cluster) -> None:
        await registrar(cluster).round()
        assert await guards_stand(cluster, ENDPOINT)
        await edit(cluster)
        assert not await guards_stand(cluster, ENDPOINT)

    as_admin(work)


def test_without_a_word_from_the_api_server_the_guards_do_not_stand() -> None:
    """Not knowing is no."""

    class Silent:
        async def get(self, path: str) -> dict[str, Any]:
            raise ClusterError("no answer")

    silent: Any = Silent()
    assert not asyncio.run(guards_stand(silent, ENDPOINT))


def test_while_policies_are_unknown_only_guards_are_written(as_admin: Runner) -> None:
    """What was registered last stays."""

    async def work(cluster: Cluster) -> None:
        await registrar(cluster).round()
        await cluster.delete(GUARDS)
        assert await registrar(cluster, None).round() == ["ValidatingWebhookConfiguration/kubescrow-guards"]
        assert (await cluster.get(POLICIES))["webhooks"]

    as_admin(work)


def test_who_does_not_lead_writes_nothing(as_admin: Runner) -> None:
    """Also when it lost the Lease in the middle of a round."""

    async def work(cluster: Cluster) -> None:
        answers = iter([True, True, False, False, False, False])
        written = await registrar(cluster, is_leader=lambda: next(answers, False)).round()
        assert written == [
            "ValidatingWebhookConfiguration/kubescrow-guards",
            "MutatingWebhookConfiguration/kubescrow-guards",
        ]

    as_admin(work)


def test_others_labels_and_annotations_stay(as_admin: Runner) -> None:
    """Only our fields are ours."""

    async def work(cluster: Cluster) -> None:
        await registrar(cluster).round()
        await cluster.patch(GUARDS, {"metadata": {"labels": {"team": "x"}, "annotations": {"note": "y"}}})
        await fails_open(cluster)
        await registrar(cluster).round()
        metadata = (await cluster.get(GUARDS))["metadata"]
        assert (metadata["labels"]["team"], metadata["annotations"]["note"]) == ("x", "y")
        assert await guards_stand(cluster, ENDPOINT)

    as_admin(work)


def test_it_is_told_which_set_stands(as_admin: Runner) -> None:
    """After it was written, and again in each round."""

    async def work(cluster: Cluster) -> None:
        standing: list[str] = []

        async def on_standing(found: PolicySet) -> None:
            standing.append(found.revision)

        writer = registrar(cluster, on_standing=on_standing)
        await writer.round()
        await writer.round()
        assert standing == ["r1", "r1"]

    as_admin(work)


def test_a_definition_that_vanishes_unregisters_nobody(as_admin: Runner, controlplane: ControlPlane) -> None:
    """Deleting it deletes all policies, which looks like having none."""

    async def work(cluster: Cluster) -> None:
        await registrar(cluster, MARKED).round()
        await cluster.delete(f"{names.CRDS}/{names.POLICIES_CRD}")
        assert await registrar(cluster, policies()).round() == []
        assert (await cluster.get(POLICIES))["webhooks"]
        assert (await cluster.get(MUTATIONS))["webhooks"]

    try:
        as_admin(work)
    finally:
        controlplane.admin.ok("wait", "--for=delete", f"crd/{names.POLICIES_CRD}", "--timeout=30s")
        controlplane.admin.ok("apply", "--server-side", "-f", str(ROOT / "manifests/crds"))
        controlplane.admin.ok("wait", "--for=condition=Established", f"crd/{names.POLICIES_CRD}")
