"""The request that is made of a manifest is the one that a real API server sends for it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubescrow.checking.kinds import Kinds
from kubescrow.checking.request import Asked, Made, NoRequest, review_of
from kubescrow.manifests.document import Document
from kubescrow.manifests.objects import KubernetesObject, objects_of
from tests.webhook.approval.requests import DELIVERED
from tests.webhook.policy.language import BOT
from webhook.admission.request import Operation

SENT = {path.stem: yaml.safe_load(path.read_text())[0] for path in sorted(DELIVERED.glob("*.yaml"))}
"""Reviews of a real API server."""

WEB = {"name": "web", "namespace": "shop"}
POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": WEB, "spec": {"containers": []}}
DEPLOYMENT: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": WEB, "spec": {"replicas": 7}}


def manifest(value: Any) -> KubernetesObject:
    """The object of a document."""
    (each,) = objects_of("a.yaml", Document(1, 1, value))
    assert isinstance(each, KubernetesObject)
    return each


def made(value: Any, *, old: Any = None, **asked: Any) -> Made:
    """What is made of a manifest."""
    each, what = manifest(value), Asked(**{"has_old": old is not None, **asked})
    served = Kinds.built_in().served(each.group, each.kind, what.subresource)
    return review_of(each, served, what, user=BOT, old=manifest(old) if old else None)


def request(value: Any, **more: Any) -> dict[str, Any]:
    """The request of it."""
    found: dict[str, Any] = made(value, **more).review["request"]
    return found


CHOSEN = {"uid", "userInfo", "options", "object", "oldObject"}
"""Fields that are the caller's, or that the API server has filled in further."""


@pytest.mark.parametrize("name", SENT)
def test_it_is_what_a_real_api_server_sent(name: str) -> None:
    """Every other field: which there are, and what they say."""
    real = SENT[name]
    value = DEPLOYMENT if name == "scale" else real["object"] or real["oldObject"]
    is_generated = "generated" in name  # by the API server: no manifest has that name
    said = {key: real[key] for key in ("name", "namespace") if key in real and not (is_generated and key == "name")}
    rest = {key: field for key, field in value.get("metadata", {}).items() if key not in {"name", "namespace"}}
    asked = {"operation": Operation(real["operation"]), "subresource": real.get("subResource", "")}
    ours = request({**value, "metadata": {**said, **rest}}, **asked, old=real["oldObject"])
    assert {"name": real.get("name"), **_envelope(ours)} == {"name": None, **_envelope(real)}
    assert (ours["object"] is None, ours["oldObject"] is None) == (real["object"] is None, real["oldObject"] is None)
    assert (ours["options"] or {}).get("kind") == (real["options"] or {}).get("kind")


def _envelope(sent: dict[str, Any]) -> dict[str, Any]:
    return {key: field for key, field in sent.items() if key not in CHOSEN}


def test_the_namespace_is_filled_in_as_the_api_server_does() -> None:
    """In the envelope and in the object; what has one keeps it, what has none by nature gets none."""
    bare = {**POD, "metadata": {"name": "web"}}
    assert request(bare)["object"]["metadata"]["namespace"] == request(bare)["namespace"] == "default"
    assert request(bare, namespace="shop")["namespace"] == "shop"
    assert request(POD, namespace="other")["namespace"] == "shop"
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}}
    assert "namespace" not in request(role, namespace="shop")
    assert request({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})["namespace"] == "a"
    assert made(bare).notes == ("no namespace in it and no --namespace: judged in namespace default",)
    assert made(bare, namespace="shop").notes == ()


def test_update_has_both_objects_and_delete_only_the_old_one() -> None:
    """The old one is the one that was given; for DELETE else the manifest."""
    old = {**POD, "spec": {"containers": [{}]}}
    update = request(POD, operation=Operation.UPDATE, old=old)
    assert (update["operation"], update["object"], update["oldObject"]) == ("UPDATE", POD, old)
    delete = request(POD, operation=Operation.DELETE, old=old)
    assert (delete["object"], delete["oldObject"]) == (None, old)
    assert request(POD, operation=Operation.DELETE)["oldObject"] == POD


def test_what_is_not_there_yet_is_created() -> None:
    """As `kubectl apply` does; a deletion is judged by the manifest; both are said."""
    update = made(POD, operation=Operation.UPDATE, has_old=True)
    assert (update.review["request"]["operation"], update.notes) == ("CREATE", ("not in --old: judged as CREATE",))
    delete = made(POD, operation=Operation.DELETE, has_old=True)
    assert delete.notes == ("not in --old: the manifest is judged as what is deleted",)


@pytest.mark.parametrize(
    ("value", "asked", "told"),
    [
        (POD, {"operation": Operation.UPDATE}, "UPDATE of pods: how it is now is not known; give it by --old"),
        (POD, {"subresource": "status"}, "UPDATE of pods/status: how it is now is not known; give it by --old"),
        (POD, {"subresource": "status", "has_old": True}, "UPDATE of pods/status: how it is now is not known"),
        (POD, {"operation": Operation.CONNECT}, "CONNECT of pods does not exist; allowed: CREATE, UPDATE, DELETE"),
        (
            POD,
            {"operation": Operation.CREATE, "subresource": "exec"},
            "CREATE of pods/exec does not exist; allowed: CON",
        ),
    ],
    ids=["update alone", "status alone", "status without its old", "connect to nothing", "create exec"],
)
def test_what_no_api_server_would_send_is_refused(value: Any, asked: dict[str, Any], told: str) -> None:
    """A request that cannot come would be allowed by every rule."""
    with pytest.raises(NoRequest) as refused:
        made(value, **asked)
    assert str(refused.value).startswith(told)


def test_a_subresource_of_another_kind_gets_what_is_known_of_it() -> None:
    """Name, namespace, replicas; the rest is missing, and that is said."""
    scale = made(DEPLOYMENT, subresource="scale", old={**DEPLOYMENT, "spec": {"replicas": 1}})
    scaled = scale.review["request"]
    assert scaled["object"] == {
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": WEB, "spec": {"replicas": 7}}  # fmt: skip
    assert scaled["oldObject"]["spec"] == {"replicas": 1}
    assert scaled["resource"] == {"group": "apps", "version": "v1", "resource": "deployments"}
    assert scale.notes == ("a Deployment does not say what Scale is sent: judged without its fields",)
    exec_ = request(POD, subresource="exec")
    assert (exec_["operation"], exec_["name"]) == ("CONNECT", "web")
    assert exec_["object"] == {"apiVersion": "v1", "kind": "PodExecOptions"}
    assert request(POD, subresource="eviction")["object"] == {
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": WEB}  # fmt: skip


def test_options_say_their_pod_and_are_sent_without_it() -> None:
    """So that argv can be judged: PodExecOptions with a name."""
    options = {"apiVersion": "v1", "kind": "PodExecOptions", "metadata": WEB, "command": ["sh"]}
    sent = request(options)
    assert (sent["name"], sent["namespace"], sent["subResource"]) == ("web", "shop", "exec")
    assert sent["object"] == {"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"]}


def test_a_guessed_kind_is_said() -> None:
    """With what was guessed, and how to know."""
    assert made({"apiVersion": "example.com/v1", "kind": "Policy", "metadata": WEB}).notes == (
        "Policy of example.com: resource policies, namespaced, is a guess; give its CustomResourceDefinition by --crds",
    )


def test_the_manifest_is_not_changed() -> None:
    """It may be the old object of another."""
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    request(bare)
    assert bare == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
