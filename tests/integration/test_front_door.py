"""What comes to the webhook's own port, and not from the API server: whoever does not know the path is nobody."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin, hold
from webhook.admission.review import BODY_LIMIT_BYTES
from webhook.cluster.keys import ROOMS

ONE = ("create", "-n", "front-door", "configmap")
ROUTES = (
    "policies/0123456789abcdef",
    "guards/approvals/decide",
    "guards/approvals/validate",
    "guards/policies/validate",
    "authorizer",
)
ADMISSION = ROUTES[:-1]
SERVER_NAME = "kubescrow-webhook.kubescrow.svc"

Object = dict[str, Any]
Secrets = Mapping[str, str]


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose creations are held, without waiting."""
    story = begin(kubescrow, "front-door")
    story.policy(hold("one", operations=["CREATE"], resources=["configmaps"], wait="0s"))
    return story


@pytest.fixture(scope="module")
def secret(story: Story) -> Secrets:
    """The secrets of the paths by room, as an admin can read them."""
    stored = story.kubescrow.keys()
    return {room: base64.b64decode(stored[f"{room}-path"]).decode() for room in ROOMS}


def at(secret: Secrets, route: str) -> str:
    """The path of a route with the secret of its room."""
    return f"/{secret.get(route.partition('/')[0], secret['guards'])}/{route}"


@pytest.fixture(scope="module")
def pending(story: Story) -> Object:
    """An Approval that nobody has decided on, settled."""
    name = story.asks(*ONE, "pending")
    story.reaches(name, "Pending")
    return story.stored(name)


class Door:
    """Sends to the webhook's port, over TLS that is verified as the API server does it."""

    def __init__(self, kubescrow: Installation) -> None:
        self.port = kubescrow.port
        self.tls = ssl.create_default_context(cadata=kubescrow.ca_pem())
        self._client = httpx.Client(verify=self.tls, base_url=f"https://127.0.0.1:{self.port}", timeout=30)

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, path: str, body: Object | bytes | None = None) -> httpx.Response:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self._client.request(method, path, content=content, extensions={"sni_hostname": SERVER_NAME})

    def raw(self, request: bytes) -> bytes:
        """Send bytes that no client would, and return what comes back until the server closes."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        with plain, self.tls.wrap_socket(plain, server_hostname=SERVER_NAME) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture(scope="module")
def door(story: Story) -> Iterator[Door]:
    """The webhook's port."""
    with contextlib.closing(Door(story.kubescrow)) as door:
        yield door


def decision_on(approval: Object) -> Object:
    """The review with which the API server would bring an approver's decision; everything in it is well-formed."""
    annotated = {**approval["metadata"], "annotations": {"kubescrow.dev/decision": "approved"}}
    return review(
        operation="UPDATE",
        kind={"group": "kubescrow.dev", "version": "v1alpha1", "kind": "Approval"},
        resource={"group": "kubescrow.dev", "version": "v1alpha1", "resource": "approvals"},
        name=approval["metadata"]["name"],
        userInfo={"username": "approver@front-door", "groups": ["system:authenticated"]},
        object={**approval, "metadata": annotated},
        oldObject=approval,
    )


def creation() -> Object:
    """The review of a held request of the agent."""
    return review(
        operation="CREATE",
        kind={"group": "", "version": "v1", "kind": "ConfigMap"},
        resource={"group": "", "version": "v1", "resource": "configmaps"},
        namespace="front-door",
        name="injected",
        userInfo={
            "username": "system:serviceaccount:front-door:bot",
            "groups": ["system:serviceaccounts"],
            "extra": {"authentication.kubernetes.io/credential-id": ["JTI=0"]},
        },
        object={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "injected", "namespace": "front-door"}},
    )


def review(**request: Any) -> Object:
    """An AdmissionReview."""
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "uid-17", **request}}


WRONG = {
    "a wrong secret of the right length": "0" * 32,
    "a secret that is too short": "0",
    "letters that are not ASCII": "%C3%A9" * 16,
    "bytes that are no text": "%FF%FE%00",
    "a path that climbs": "..%2F..",
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_without_the_secret_nothing_is_judged_created_or_signed(
    story: Story, door: Door, pending: Object, route: str, wrong: str
) -> None:
    """Reviews that would be answered with the secret get 404 and not a word."""
    before = story.kubescrow.approvals()
    for body in (decision_on(pending), creation()):
        answer = door.send("POST", f"/{wrong}/{route}", body)
        assert (answer.status_code, answer.content) in {(404, b""), (404, b'{"detail":"Not Found"}')}
    assert story.kubescrow.approvals() == before


@pytest.mark.parametrize("path", ["/", "/authorizer", "/guards/approvals/decide", "//guards/approvals/decide"])
def test_a_path_without_a_secret_is_unknown(door: Door, pending: Object, path: str) -> None:
    """There is no door beside the one with the secret."""
    assert door.send("POST", path, decision_on(pending)).status_code == 404


def test_with_the_secret_the_same_reviews_are_answered(
    story: Story, door: Door, secret: Secrets, pending: Object
) -> None:
    """So it is the secret, and nothing else, that was missing."""
    answer = door.send("POST", at(secret, "guards/approvals/decide"), decision_on(pending)).json()["response"]
    assert (answer["uid"], answer["allowed"]) == ("uid-17", True)
    assert "kubescrow.dev/decisions" in base64.b64decode(answer["patch"]).decode()
    refusal = door.send("POST", at(secret, "policies/0123456789abcdef"), creation()).json()["response"]
    assert refusal["status"]["message"].startswith("APPROVAL_REQUIRED approval=appr-")
    assert story.stored(pending["metadata"]["name"]) == pending


def test_even_a_signature_that_leaked_is_worth_nothing_to_somebody_else(
    story: Story, door: Door, secret: Secrets, pending: Object
) -> None:
    """A decision that was signed in an approver's name, by whoever knows the secret, is refused to all others."""
    answer = door.send("POST", at(secret, "guards/approvals/decide"), decision_on(pending)).json()["response"]
    (step,) = json.loads(base64.b64decode(answer["patch"]))
    signed = step["value"]["kubescrow.dev/decisions"]
    name = pending["metadata"]["name"]
    said = story.cluster.admin.fails("annotate", "approval", name, f"kubescrow.dev/decisions={signed}")
    assert "the decision was signed for somebody else" in said
    assert story.asks(*ONE, "pending") == name


def changed(**request: Any) -> Object:
    """The review of a creation with other fields."""
    return {**creation(), "request": {**creation()["request"], **request}}


USER = creation()["request"]["userInfo"]
MALFORMED: dict[str, tuple[Object | bytes, str]] = {
    "nothing": (b"", "body: found no JSON document; allowed: one AdmissionReview in JSON"),
    "no JSON": (b"{", "body: found no JSON document; allowed: one AdmissionReview in JSON"),
    "no UTF-8": (b'{"a":"\xff"}', "body: found no JSON document"),
    "half a character": (b'{"a":"\\ud800"}', "body: found no JSON document"),
    "a list": (b"[]", "body: found a list; allowed: an object"),
    "a nesting without end": (b"[" * 100_000, "nested 1,024 deep at most"),
    "another kind": ({**creation(), "kind": "Pod"}, 'kind: found "Pod"; allowed: AdmissionReview'),
    "another version": (
        {**creation(), "apiVersion": "admission.k8s.io/v1beta1"},
        'apiVersion: found "admission.k8s.io/v1beta1"; allowed: admission.k8s.io/v1',
    ),
    "no request": ({**creation(), "request": None}, "request: found nothing; allowed: an object"),
    "a request that is text": ({**creation(), "request": "r"}, "request: found a string; allowed: an object"),
    "no uid": (changed(uid=""), "request.uid: found a string; allowed: a string that is not empty"),
    "an unknown operation": (
        changed(operation="PATCH"),
        'request.operation: found "PATCH"; allowed: CREATE, UPDATE, DELETE, CONNECT',
    ),
    "no resource": (changed(resource=None), "request.resource: found nothing; allowed: an object"),
    "no user": (changed(userInfo=None), "request.userInfo: found nothing; allowed: an object"),
    "a user without a name": (
        changed(userInfo={}),
        "request.userInfo.username: found nothing; allowed: a string that is not empty",
    ),
    "groups that are a text": (
        changed(userInfo={**USER, "groups": "g"}),
        "request.userInfo.groups: found a string; allowed: a list of strings",
    ),
    "a group that is a number": (changed(userInfo={**USER, "groups": [1]}), "request.userInfo.groups: found a list"),
    "extra that is a list": (
        changed(userInfo={**USER, "extra": []}),
        "request.userInfo.extra: found a list; allowed: lists of strings by key",
    ),
    "an object that is a list": (changed(object=[]), "request.object: found a list; allowed: an object"),
    "a dry run that is a text": (changed(dryRun="yes"), "request.dryRun: found a string; allowed: true or false"),
    "an operation that is long and secret": (
        changed(operation="hunter2-canary" * 10),
        "request.operation: found a string; allowed: CREATE, UPDATE, DELETE, CONNECT",
    ),
}


@pytest.mark.parametrize(("body", "says"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_review_is_told_what_is_wrong(door: Door, secret: Secrets, body: Object | bytes, says: str) -> None:
    """400 with the field, what was found and what is allowed; one line, no traceback, nothing echoed at length."""
    for route in ADMISSION:
        answer = door.send("POST", at(secret, route), body)
        assert answer.status_code == 400
        assert says in answer.text
        assert len(answer.text.splitlines()) == 1
        assert "Traceback" not in answer.text
        assert "hunter2" not in answer.text


def nested(depth: int) -> str:
    """Objects and lists in each other, as JSON: Python's own encoder does not come as far down as a client can."""
    return '{"a":[' * (depth // 2) + "]}" * (depth // 2)


@pytest.mark.parametrize("depth", [100, 130, 250, 500, 900, 1010])
@pytest.mark.parametrize("deep", ["metadata", "spec", "data", "annotations", "status"])
def test_however_deep_an_object_is_it_gets_an_answer(
    door: Door, secret: Secrets, pending: Object, depth: int, deep: str
) -> None:
    """With the uid, and refused by what refuses it when it is flat; at the very limit of JSON by a fault inside."""
    creating, deciding = creation(), decision_on(pending)
    for route, body in itertools.product(ADMISSION, (creating, deciding)):
        written = json.dumps(body).replace(f'"{deep}": ', f'"{deep}": {nested(depth)}, "was-{deep}": ')
        written = written.replace('"object": {', f'"object": {{"{deep}-too": {nested(depth)}, ')
        answer = door.send("POST", at(secret, route), written.encode())
        assert answer.status_code == 200, answer.text
        response = answer.json()["response"]
        assert response["uid"] == "uid-17"
        assert depth > 1000 or "internal error" not in str(response)
        assert not response["allowed"] or "decide" in route or (route, body) == (ADMISSION[0], deciding)


def test_a_body_over_the_limit_is_not_read_further(door: Door, secret: Secrets) -> None:
    """413 with the limit; up to it, the body is read and judged."""
    for route in ADMISSION:
        answer = door.send("POST", at(secret, route), b" " * (BODY_LIMIT_BYTES + 1))
        assert (answer.status_code, answer.text) == (413, f"body: more than {BODY_LIMIT_BYTES} bytes")
    assert door.send("POST", at(secret, ADMISSION[0]), b" " * BODY_LIMIT_BYTES).status_code == 400
    assert door.send("POST", at(secret, "authorizer"), b" " * (BODY_LIMIT_BYTES + 1)).status_code == 400


@pytest.mark.parametrize("route", ROUTES)
def test_the_secret_of_one_room_opens_no_other(door: Door, secret: Secrets, route: str) -> None:
    """An agent may learn the path of the policies from an error of the API server; no decision is signed there."""
    others = [word for room, word in secret.items() if room != route.partition("/")[0]]
    assert [door.send("POST", f"/{word}/{route}", creation()).status_code for word in others] == [404, 404]


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_another_method_is_not_allowed(door: Door, secret: Secrets, method: str) -> None:
    """Only POST is answered, with the secret and without."""
    for route in ROUTES:
        for word in (*secret.values(), "0" * 32):
            assert door.send(method, f"/{word}/{route}").status_code == 405


@pytest.mark.parametrize("path", ["", "/policies", "/policies/a/b", "/guards", "/guards/other/validate", "/docs"])
def test_another_path_is_unknown(door: Door, secret: Secrets, path: str) -> None:
    """Also behind the secret there is nothing but the routes."""
    assert door.send("POST", f"/{secret['guards']}{path}", creation()).status_code == 404


@pytest.mark.parametrize(
    "request_line",
    [
        pytest.param(b"POST /\xff\xfe/authorizer HTTP/1.1", id="bytes that are no ASCII"),
        pytest.param(b"POST /x/authorizer HTTP/9.9", id="no such version"),
        pytest.param(b"\x00\x01\x02", id="no HTTP"),
    ],
)
def test_what_is_no_http_is_turned_away(story: Story, door: Door, request_line: bytes) -> None:
    """The connection ends with 400 or 404; the server stays."""
    answer = door.raw(request_line + b"\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert answer.split(b"\r\n")[0] in {b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 404 Not Found"}
    assert door.send("GET", "/healthz").text == "ok"


def access(user: str, **asked: str) -> Object:
    """A SubjectAccessReview as the API server sends it."""
    spec = {"user": user, "groups": ["system:authenticated"], "resourceAttributes": asked}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


AGENT = "system:serviceaccount:front-door:bot"
READS = {"verb": "get", "resource": "secrets", "name": "kubescrow-keys", "namespace": "kubescrow"}
ACCESSES: dict[str, tuple[Object, str]] = {
    "an agent reads our keys": (access(AGENT, **READS), "agents do not touch Secrets of namespace kubescrow"),
    "an agent lists all Secrets": (access(AGENT, verb="list", resource="secrets"), "Secrets of all namespaces at once"),
    "an agent impersonates": (access(AGENT, verb="impersonate", resource="users"), "agents do not impersonate"),
    "an agent reads its own Secrets": (access(AGENT, **{**READS, "namespace": "front-door"}), ""),
    "a person reads our keys": (access("root@front-door", **READS), ""),
    "nothing is asked": ({**access(AGENT), "spec": {"user": AGENT}}, ""),
    "nobody asks": ({**access(AGENT), "spec": None}, ""),
}


@pytest.mark.parametrize(("body", "reason"), ACCESSES.values(), ids=ACCESSES.keys())
def test_the_authorizer_refuses_agents_and_has_no_opinion_on_others(
    door: Door, secret: Secrets, body: Object, reason: str
) -> None:
    """Refused with a reason, or not a word, so that RBAC decides; never allowed."""
    answer = door.send("POST", at(secret, "authorizer"), body)
    assert answer.json()["kind"] == "SubjectAccessReview"
    status = answer.json()["status"]
    assert (status["allowed"], status.get("denied", False)) == (False, bool(reason))
    assert reason in status.get("reason", "")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 100_000, id="a nesting without end"),
        pytest.param(creation(), id="an AdmissionReview"),
        pytest.param(json.dumps(access(AGENT)).replace("authorization.k8s.io/v1", "v1").encode(), id="another group"),
        pytest.param({**access(AGENT), "apiVersion": "authorization.k8s.io/v1beta1"}, id="another version"),
        pytest.param({**access(AGENT), "apiVersion": json.loads(nested(500))}, id="a version that is no text"),
    ],
)
def test_the_authorizer_says_what_it_takes(door: Door, secret: Secrets, body: Object | bytes) -> None:
    """400, which the API server takes as no answer."""
    answer = door.send("POST", at(secret, "authorizer"), body)
    assert (answer.status_code, answer.text) == (
        400,
        "body: allowed: one SubjectAccessReview of authorization.k8s.io/v1 in JSON",
    )


def test_the_probes_answer_everybody(door: Door) -> None:
    """The kubelet knows no secret."""
    for path in ("/healthz", "/readyz"):
        answer = door.send("GET", path)
        assert (answer.status_code, answer.text) == (200, "ok")


def test_the_secret_is_in_no_log_and_in_no_answer(story: Story, door: Door, secret: Secrets, pending: Object) -> None:
    """Not after good calls, bad calls, calls with a wrong path beside the right secret, nor in what an agent reads."""
    for path, body in ((ROUTES[0], b"{"), ("nowhere", b""), (ROUTES[1], decision_on(pending)), ("authorizer/", b"")):
        answer = door.send("POST", at(secret, path), body)
        assert not any(word in answer.text for word in secret.values())
    refusals = [story.agent.fails(*ONE, "pending"), story.agent.fails("annotate", "approval", "x", "a=b")]
    assert not any(word in "".join(refusals) for word in secret.values())
    wait_until(lambda: "approval" in story.kubescrow.log, what="the webhook logs")
    assert not any(word in story.kubescrow.log for word in secret.values())
