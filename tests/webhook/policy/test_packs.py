"""The policies in manifests/policies: each stops what it is for, by whichever way it is tried, and lets work go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.webhook.policy.language import asks
from webhook.admission.request import CREDENTIAL_ID, Request, User
from webhook.admission.verdict import Action
from webhook.policy.authorization import refusal
from webhook.policy.compile import compile_set
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

FOLDER = Path(__file__).parents[3] / "manifests/policies"
PACKS = sorted({path.name.partition(".")[0] for path in FOLDER.glob("*.yaml")})
RBAC = "rbac.authorization.k8s.io"
SAFE = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def bot(pack: str) -> User:
    """An agent that the pack names, with a short-lived token."""
    namespace = "ci" if pack == "ci-runner" else "agents"
    return User(f"system:serviceaccount:{namespace}:bot", extra={CREDENTIAL_ID: ("JTI=1",)})


def container(**more: Any) -> dict[str, Any]:
    """Write a container that the strictest profile takes."""
    return {"name": "c", "image": "example.com/c:1", "securityContext": SAFE, **more}


def pod(namespace: str = "agents", **spec: Any) -> dict[str, Any]:
    """Write a Pod."""
    metadata = {"name": "p", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container()], **spec}}


def deployment(namespace: str = "agents", replicas: int = 1, **spec: Any) -> dict[str, Any]:
    """Write a Deployment that takes no token."""
    template = {"spec": {"automountServiceAccountToken": False, "containers": [container()], **spec}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": replicas, "template": template},
    }


def cron_job(**spec: Any) -> dict[str, Any]:
    """Write a CronJob."""
    inner = {"template": {"spec": {"containers": [container()], **spec}}}
    metadata = {"name": "nightly", "namespace": "agents"}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": {"jobTemplate": {"spec": inner}}}


def thing(kind: str, namespace: str = "agents", api_version: str = "v1", **more: Any) -> dict[str, Any]:
    """Write any object."""
    metadata = {"name": "x", **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def scale(replicas: int, was: int = 1, namespace: str = "agents") -> Request:
    """Ask to scale a Deployment by its subresource."""
    wanted, old = ({"kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": n}} for n in (replicas, was))
    where = {"resource": "deployments", "subresource": "scale", "group": "apps", "namespace": namespace, "name": "web"}
    return asks("UPDATE", wanted, old=old, **where)  # type: ignore[arg-type]


def role(*rules: dict[str, Any]) -> dict[str, Any]:
    """Write a ClusterRole."""
    return thing("ClusterRole", "", f"{RBAC}/v1", rules=list(rules))


PRIVILEGED: dict[str, Any] = {"containers": [container(securityContext={"privileged": True})]}
HPA = thing("HorizontalPodAutoscaler", api_version="autoscaling/v2", spec={"maxReplicas": 100})
READS_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
SECRET_ENV = [{"name": "x", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
MOUNTS: dict[str, Any] = {"volumes": [{"name": "s", "secret": {"secretName": "db"}}]}
PROJECTS: dict[str, Any] = {"volumes": [{"name": "s", "projected": {"sources": [{"secret": {"name": "db"}}]}}]}
NAMESPACE = thing("Namespace", "")
HOST_PATH = [{"name": "h", "hostPath": {"path": "/"}}]
EVICTION = thing("Eviction", api_version="policy/v1")

ROWS: list[tuple[str, str, Request, str]] = [
    ("starter", "a plain Deployment", asks("CREATE", deployment()), "ALLOW"),
    ("starter", "a ConfigMap is changed", asks("UPDATE", thing("ConfigMap"), old=thing("ConfigMap")), "ALLOW"),
    ("starter", "a privileged Pod", asks("CREATE", pod(**PRIVILEGED)), "DENY"),
    ("starter", "a privileged CronJob", asks("CREATE", cron_job(**PRIVILEGED)), "DENY"),
    ("starter", "a hostPath in a Deployment", asks("CREATE", deployment(volumes=HOST_PATH)), "DENY"),
    ("starter", "a role that reads Secrets", asks("CREATE", role(READS_SECRETS)), "DENY"),
    ("starter", "a Namespace is deleted", asks("DELETE", old=NAMESPACE), "HOLD"),
    ("starter", "a StatefulSet is deleted",
     asks("DELETE", old=thing("StatefulSet", api_version="apps/v1")), "HOLD"),
    ("starter", "scaled to 50", scale(50), "HOLD"),
    ("starter", "scaled to 50 by the Deployment", asks("UPDATE", deployment(replicas=50), old=deployment()), "HOLD"),
    ("starter", "scaled to 100 by an autoscaler", asks("CREATE", HPA), "HOLD"),
    ("starter", "scaled to 3", scale(3), "ALLOW"),
    ("starter", "evicts a Pod",
     asks("CREATE", EVICTION, resource="pods", subresource="eviction", group=""), "DENY"),
    ("no-secrets", "an empty patch of a Secret",
     asks("UPDATE", thing("Secret", data={"a": "Yg=="}), old=thing("Secret", data={"a": "Yg=="})), "DENY"),
    ("no-secrets", "all Secrets are deleted", asks("DELETE", old=thing("Secret", data={"a": "Yg=="}), name=""), "DENY"),
    ("no-secrets", "a new Secret", asks("CREATE", thing("Secret")), "HOLD"),
    ("no-secrets", "a role that reads Secrets", asks("CREATE", role(READS_SECRETS)), "DENY"),
    ("no-secrets", "a Pod that mounts one", asks("CREATE", pod(**MOUNTS, automountServiceAccountToken=False)), "HOLD"),
    ("no-secrets", "a Deployment that projects one", asks("CREATE", deployment(**PROJECTS)), "HOLD"),
    ("no-secrets", "a Deployment with one in its environment",
     asks("CREATE", deployment(containers=[container(env=SECRET_ENV)])), "HOLD"),
    ("no-secrets", "a CronJob with one in its environment",
     asks("CREATE", cron_job(initContainers=[container(envFrom=[{"secretRef": {"name": "db"}}])])), "HOLD"),
    ("no-secrets", "a Deployment without", asks("CREATE", deployment()), "ALLOW"),
    ("no-secrets", "a Service", asks("CREATE", thing("Service", spec={"ports": []})), "ALLOW"),
    ("production-freeze", "a Deployment in prod", asks("UPDATE", deployment("prod"), old=deployment("prod")), "HOLD"),
    ("production-freeze", "scaled in prod-eu", scale(2, namespace="prod-eu"), "HOLD"),
    ("production-freeze", "a Deployment elsewhere", asks("CREATE", deployment("dev")), "ALLOW"),
    ("production-freeze", "the Namespace prod is deleted",
     asks("DELETE", old={**NAMESPACE, "metadata": {"name": "prod"}}), "HOLD"),
    ("ci-runner", "a restricted Deployment", asks("CREATE", deployment("shop")), "ALLOW"),
    ("ci-runner", "a Deployment that may be root",
     asks("CREATE", deployment("shop", containers=[{"name": "c", "image": "i:1"}])), "DENY"),
    ("ci-runner", "an image without a tag",
     asks("CREATE", deployment("shop", containers=[container(image="shop")])), "WARN"),
    ("ci-runner", "a RoleBinding", asks("CREATE", thing("RoleBinding", api_version=f"{RBAC}/v1")), "DENY"),
    ("ci-runner", "a Namespace is deleted", asks("DELETE", old=NAMESPACE), "DENY"),
    ("read-mostly", "a ConfigMap of its own", asks("CREATE", thing("ConfigMap")), "ALLOW"),
    ("read-mostly", "a Secret of its own", asks("CREATE", thing("Secret")), "HOLD"),
    ("read-mostly", "a ConfigMap of others", asks("CREATE", thing("ConfigMap", "shop")), "HOLD"),
    ("read-mostly", "its Namespace is deleted",
     asks("DELETE", old={**NAMESPACE, "metadata": {"name": "agents"}}), "HOLD"),
    ("strict", "a ConfigMap of its own", asks("CREATE", thing("ConfigMap")), "ALLOW"),
    ("strict", "a ConfigMap of others", asks("CREATE", thing("ConfigMap", "shop")), "DENY"),
    ("strict", "a restricted Deployment", asks("CREATE", deployment()), "ALLOW"),
    ("strict", "a Pod", asks("CREATE", pod(automountServiceAccountToken=False)), "DENY"),
    ("strict", "a custom resource", asks("CREATE", thing("Widget", api_version="example.com/v1")), "DENY"),
    ("strict", "scaled to 9", scale(9), "HOLD"),
    ("strict", "scaled to 9 by the Deployment", asks("UPDATE", deployment(replicas=9), old=deployment()), "HOLD"),
    ("strict", "scaled by an autoscaler", asks("CREATE", HPA), "DENY"),
    ("strict", "a Deployment is deleted", asks("DELETE", old=deployment()), "HOLD"),
]  # fmt: skip


def stored(pack: str, mode: str) -> dict[str, Any]:
    """A policy as it lies in the folder."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{pack}.{mode}.yaml").read_text())
    return {**found, "metadata": {**found["metadata"], "uid": "1", "generation": 1}}


def judged(pack: str, mode: str, request: Request) -> Action:
    """What comes of a request of the pack's agent."""
    asked = Request(**{name: getattr(request, name) for name in request.__slots__} | {"user": bot(pack)})
    policies = compile_set([stored(pack, mode)])
    assert not policies.broken, policies.broken
    return evaluate(asked, policies, protected=Protected()).action


@pytest.mark.parametrize(("pack", "request_", "action"), [
    pytest.param(pack, request, action, id=f"{pack}: {sentence}") for pack, sentence, request, action in ROWS
])  # fmt: skip
def test_pack(pack: str, request_: Request, action: str) -> None:
    """Enforced it does what it says; observing it stops nothing."""
    assert judged(pack, "enforce", request_).name == action
    assert judged(pack, "observe", request_) <= Action.WARN


@pytest.mark.parametrize("pack", PACKS)
def test_both_files_differ_by_the_mode_only(pack: str) -> None:
    """So that going from Observe to Enforce changes nothing else; and every rule has its reason above it."""
    enforce, observe = ((FOLDER / f"{pack}.{mode}.yaml").read_text() for mode in ("enforce", "observe"))
    assert observe == enforce.replace("  mode: Enforce", "  mode: Observe")
    lines = enforce.splitlines()
    rules = [index for index, line in enumerate(lines) if line.startswith("  - name: ")]
    assert rules
    assert all(lines[index - 1].startswith("  # ") for index in rules)


def test_every_pack_is_tried() -> None:
    """A new pack comes with its attacks."""
    assert {pack for pack, *_ in ROWS} == set(PACKS)


@pytest.mark.parametrize(("verb", "mode", "is_refused"), [
    ("get", "enforce", True), ("list", "enforce", True), ("watch", "enforce", True), ("patch", "enforce", True),
    ("create", "enforce", False), ("get", "observe", False),
])  # fmt: skip
def test_no_secrets_are_read(verb: str, mode: str, is_refused: bool) -> None:
    """By the authorizer, in every namespace."""
    asked = {"verb": verb, "group": "", "resource": "secrets", "namespace": "shop", "name": "db"}
    spec = {"user": bot("no-secrets").username, "resourceAttributes": asked}
    told = refusal({"spec": spec}, compile_set([stored("no-secrets", mode)]), protected=Protected())
    assert ("no-secrets/no-reads" in told) is is_refused
