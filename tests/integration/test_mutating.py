"""Rules with action Mutate on a real API server: what is written stands, however it is sent, or it is denied."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.controlplane.certificates import Authority
from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold

NAMESPACE = "mutating"
BY = "example.com/by"
BOT = f"system:serviceaccount:{NAMESPACE}:bot"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "namespace": NAMESPACE},
    "spec": {
        "replicas": 9,
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}},
            "spec": {"containers": [{"name": "api", "image": "example.invalid/api:1"}]},
        },
    },
}


def config_map(name: str, by: str = "") -> str:
    metadata = {"name": name, "namespace": NAMESPACE, "annotations": {BY: by} if by else {}}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose ConfigMaps and Deployments carry its name, and whose Deployments stay small."""
    story = begin(kubescrow, NAMESPACE)
    writes = {"operations": ["CREATE", "UPDATE"]}
    story.policy(
        {
            "name": "mark-authors",
            "match": {**writes, "apiGroups": ["", "apps"], "resources": ["configmaps", "deployments"]},
            "action": "Mutate",
            "set": {f'metadata.annotations["{BY}"]': "request.userInfo.username"},
        },
        {
            "name": "small",
            "match": {**writes, "apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"]},
            "action": "Mutate",
            "set": {"spec.replicas": "object.spec.replicas > params.most ? params.most : object.spec.replicas"},
        },
        {
            "name": "pull",
            "match": {**writes, "apiGroups": ["apps"], "resources": ["deployments"]},
            "action": "Mutate",
            "set": {"spec.template.spec.containers[*].imagePullPolicy": "'Always'"},
        },
        hold("held", operations=["UPDATE"], resources=["configmaps"], wait="0s")
        | {"condition": "has(object.data.held)"},
        params={"most": 2},
    )
    return story


def stored(story: Story, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = story.cluster.admin.json("get", kind, name, "-n", NAMESPACE)
    return found


def author(story: Story, name: str) -> str | None:
    author: str | None = stored(story, "configmap", name)["metadata"].get("annotations", {}).get(BY)
    return author


def test_what_is_created_carries_the_values(story: Story) -> None:
    """Missing parents are made, each container is reached, an expression that clamps settles."""
    story.agent.ok("create", "-f", "-", stdin=json.dumps(DEPLOYMENT))
    found = stored(story, "deployment", "api")
    assert found["metadata"]["annotations"][BY] == BOT
    assert found["spec"]["replicas"] == 2
    assert [each["imagePullPolicy"] for each in found["spec"]["template"]["spec"]["containers"]] == ["Always"]


@pytest.mark.parametrize("way", ["create", "replace", "patch", "json patch", "apply", "server-side apply", "annotate"])
def test_however_it_is_written_the_value_stands(story: Story, way: str) -> None:
    """The agent's own value is overwritten, and a removed one is put back."""
    name = f"by-{way.replace(' ', '-')}"
    if way != "create":
        story.agent.ok("create", "-f", "-", stdin=config_map(name))
    forged = config_map(name, by="jane")
    patch = ("patch", "configmap", name, "-n", NAMESPACE)
    removal = json.dumps([{"op": "remove", "path": "/metadata/annotations"}])
    commands: dict[str, tuple[tuple[str, ...], str | None]] = {
        "create": (("create", "-f", "-"), forged),
        "replace": (("replace", "-f", "-"), forged),
        "patch": ((*patch, "--type=merge", "-p", json.dumps({"metadata": {"annotations": {BY: "jane"}}})), None),
        "json patch": ((*patch, "--type=json", "-p", removal), None),
        "apply": (("apply", "-f", "-"), forged),
        "server-side apply": (("apply", "--server-side", "--force-conflicts", "-f", "-"), forged),
        "annotate": (("annotate", "configmap", name, "-n", NAMESPACE, f"{BY}-"), None),
    }
    command, stdin = commands[way]
    story.agent.ok(*command, stdin=stdin)
    assert author(story, name) == BOT


def test_a_scale_is_written_too(story: Story) -> None:
    """The subresource is another way to the same field."""
    story.agent.run("create", "-f", "-", stdin=json.dumps(DEPLOYMENT))
    story.agent.ok("scale", "deployment/api", "--replicas=7", "-n", NAMESPACE)
    assert stored(story, "deployment", "api")["spec"]["replicas"] == 2


def test_people_write_what_they_want(story: Story) -> None:
    """Nobody but the subjects is touched."""
    story.cluster.admin.ok("create", "-f", "-", stdin=config_map("of-a-person", by="jane"))
    assert author(story, "of-a-person") == "jane"


def test_a_held_request_is_held_as_it_will_be_written(story: Story) -> None:
    """The same request finds the same approval, the approver sees the value, and it passes once."""
    story.agent.ok("create", "-f", "-", stdin=config_map("held"))
    story.cluster.admin.ok("annotate", "configmap", "held", "-n", NAMESPACE, f"{BY}=nobody", "--overwrite")
    command = ("patch", "configmap", "held", "-n", NAMESPACE, "--type=merge", "-p", '{"data": {"held": "x"}}')
    name = story.asks(*command)
    assert story.asks(*command) == name
    assert BOT in story.cluster.admin.json("get", "approval", name)["spec"]["change"]
    story.approve(name)
    story.agent.ok(*command)
    assert author(story, "held") == BOT


def test_observe_writes_nothing(story: Story) -> None:
    """A policy that only observes leaves the object as it came."""
    rule = {
        "name": "label",
        "match": {"operations": ["CREATE"], "resources": ["configmaps"]},
        "action": "Mutate",
        "set": {"metadata.labels.observed": "'x'"},
    }
    with policy(story, "observer", rule, mode="Observe"):
        story.agent.ok("create", "-f", "-", stdin=config_map("observed"))
    assert "labels" not in stored(story, "configmap", "observed")["metadata"]


def test_a_dry_run_shows_the_value(story: Story) -> None:
    """And stores nothing."""
    shown = story.agent.json("create", "--dry-run=server", "-f", "-", stdin=config_map("dry"))
    assert shown["metadata"]["annotations"][BY] == BOT
    assert story.cluster.admin.run("get", "configmap", "dry", "-n", NAMESPACE).returncode != 0


def test_a_deletion_and_a_status_are_left_alone(story: Story) -> None:
    """There is nothing to write to, and nothing that must stand."""
    story.cluster.admin.ok("create", "-f", "-", stdin=config_map("left-alone"))
    story.agent.ok("delete", "configmap", "left-alone", "-n", NAMESPACE)
    story.cluster.admin.ok("create", "-f", "-", stdin=json.dumps(DEPLOYMENT).replace('"api"', '"status"'))
    patch = ("patch", "deployment", "status", "-n", NAMESPACE, "--subresource=status", "--type=merge")
    story.agent.ok(*patch, "-p", '{"status": {"observedGeneration": 1}}')
    assert BY not in stored(story, "deployment", "status")["metadata"].get("annotations", {})


def test_a_value_that_the_api_server_drops_is_denied(story: Story) -> None:
    """It would not stand; the agent is told which rule asks for it."""
    rule = {
        "name": "nowhere",
        "match": {"operations": ["CREATE"], "resources": ["configmaps"], "resourceNames": ["dropped"]},
        "action": "Mutate",
        "set": {"nothing.of.that.name": "'x'"},
    }
    with policy(story, "dropping", rule):
        told = story.agent.fails("create", "-f", "-", stdin=config_map("dropped"))
        assert f"{NAMESPACE}-dropping/nowhere: nothing.of.that.name is missing" in str(told)


@pytest.mark.parametrize(
    ("again", "is_denied"),
    [
        pytest.param("Never", False, id="we write again"),
        pytest.param("IfNeeded", True, id="it has the last word and the request is denied"),
    ],
)
def test_who_undoes_a_value_after_us(story: Story, undoing: Undoing, again: str, is_denied: bool) -> None:
    """Either the value stands or nothing is stored."""
    undoing.stands(again)
    result = story.agent.run("create", "-f", "-", stdin=config_map(f"undone-{again.lower()}"))
    found = story.cluster.admin.run("get", "configmap", f"undone-{again.lower()}", "-n", NAMESPACE)
    assert (result.returncode != 0, found.returncode != 0) == (is_denied, is_denied)
    if is_denied:
        assert f'mark-authors: metadata.annotations["{BY}"] is "somebody else" and must be "{BOT}"' in result.stderr
    else:
        assert author(story, f"undone-{again.lower()}") == BOT


@contextlib.contextmanager
def policy(story: Story, name: str, *rules: dict[str, Any], **spec: Any) -> Iterator[None]:
    """One more policy for the agents of the story."""
    written = {
        "apiVersion": "kubescrow.dev/v1alpha1",
        "kind": "AgentPolicy",
        "metadata": {"name": f"{NAMESPACE}-{name}"},
        "spec": {
            "subjects": [{"serviceAccount": {"namespace": NAMESPACE, "name": "*"}}],
            "defaults": {"laundering": "Allow"},
            "rules": list(rules),
            **spec,
        },
    }
    story.kubescrow.apply(yaml.safe_dump(written))
    try:
        yield
    finally:
        story.kubescrow.remove(f"{NAMESPACE}-{name}")


class Undoing:
    """Somebody else's mutating webhook: it writes its own name where ours was written, after us."""

    def __init__(self, story: Story, port: int, ca_pem: str) -> None:
        self._story, self._port, self._ca_pem = story, port, ca_pem

    def stands(self, again: str) -> None:
        """Register it, and wait until the API server calls it."""
        only = "object.metadata.name.startsWith('undone')"
        webhook = {
            "name": "undoing.example.com",
            "clientConfig": {
                "url": f"https://127.0.0.1:{self._port}/",
                "caBundle": b64encode(self._ca_pem.encode()).decode(),
            },
            "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}],
            "matchConditions": [{"name": "undone", "expression": only}],
            "reinvocationPolicy": again,
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }
        self._story.cluster.admin.apply(
            yaml.safe_dump(
                {
                    "apiVersion": "admissionregistration.k8s.io/v1",
                    "kind": "MutatingWebhookConfiguration",
                    "metadata": {"name": UNDOING},
                    "webhooks": [webhook],
                }
            )
        )
        probe = ("create", "--dry-run=server", "-o", "yaml", "-f", "-")
        wait_until(
            lambda: "somebody else" in self._story.cluster.admin.ok(*probe, stdin=config_map("undone-probe")),
            what="the other webhook is called",
        )


UNDOING = "zz-undoing"  # configurations are called in the order of their names


class _Undo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        patch = [{"op": "add", "path": "/metadata/annotations", "value": {BY: "somebody else"}}]
        answer = {
            "uid": review["request"]["uid"],
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": b64encode(json.dumps(patch).encode()).decode(),
        }
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def undoing(story: Story, tmp_path: Path) -> Iterator[Undoing]:
    """Somebody else's mutating webhook for ConfigMaps whose names begin with `undone`; it does not stand yet."""
    authority = Authority("undoing")
    serving = authority.serving("undoing", names=["localhost"], addresses=["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*serving.write(tmp_path, "undoing"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Undo)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Undoing(story, int(server.server_address[1]), authority.pair.certificate_pem)
    finally:
        story.cluster.admin.ok("delete", "mutatingwebhookconfiguration", UNDOING, "--ignore-not-found")
        server.shutdown()
        thread.join()
        server.server_close()
