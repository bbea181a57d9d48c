"""The real API server calls us for exactly what `matching` says it would: conditions compile, cost little and hold."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.waiting import wait_until
from tests.webhook.cluster.build import account, group, policies, policy
from tests.webhook.cluster.conftest import Runner
from tests.webhook.cluster.recorder import Recorder, recording
from webhook.checks.scope import Scope
from webhook.cluster import names
from webhook.cluster.client import Cluster
from webhook.cluster.registrar import Registrar

POLICIES = policies(
    policy(
        account("agents", "*"),
        group("bots*"),
        exclude=[account("agents", "tamed")],
        scopes=[
            Scope(("CREATE",), ("",), ("pods",)),
            Scope(("CREATE",), ("autoscaling",), ("horizontalpodautoscalers",)),
            Scope(("DELETE",), ("*",), ("*",)),
        ],
        laundering=False,
    )
)


@pytest.fixture(scope="module")
def recorder(controlplane: ControlPlane) -> Iterator[Recorder]:
    """Registered for `POLICIES` as the real server would be, with its roles."""
    with recording(controlplane) as found:

        async def register(cluster: Cluster) -> None:
            await Registrar(cluster, found.endpoint, policies=lambda: POLICIES, is_leader=lambda: True).round()

        Runner(controlplane.service_account("kubescrow", "kubescrow-webhook").kubeconfig)(register)
        yield found


@pytest.fixture(scope="module")
def callers(controlplane: ControlPlane, recorder: Recorder) -> dict[str, Kubectl]:
    """Everybody may do everything, as far as RBAC goes."""
    admin = controlplane.admin
    for name, subject in {
        "agents": "--group=system:serviceaccounts:agents",
        "people": "--group=people",
        "bots": "--group=bots-1",
    }.items():
        admin.ok("create", "clusterrolebinding", f"all-{name}", "--clusterrole=cluster-admin", subject)
    found = {
        "agent": controlplane.service_account("agents", "bot"),
        "excluded": controlplane.service_account("agents", "tamed"),
        "bot": controlplane.user("robot", groups=["bots-1"]),
        "person": controlplane.user("jane", groups=["people"]),
    }
    wait_until(
        lambda: "rules.policy.kubescrow.dev" in answer(found["agent"], *POD)[1],
        what="the API server calls the webhook",
    )
    return found


def answer(caller: Kubectl, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    """Send a request that changes nothing: dry run, where the API server has that."""
    query = "?command=ls" if path.endswith("/exec") else "?dryRun=All"
    status, found = caller.request(method, path + query, body, headers)
    return status, found.get("message", "") if isinstance(found, dict) else str(found)


def body(api_version: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **more}


SPEC = {
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "c",
            "image": "c",
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
}
SCALER = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 2}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
POD = ("POST", "/api/v1/namespaces/default/pods", body("v1", "Pod", spec=SPEC))
OWN_POD = ("POST", "/api/v1/namespaces/kubescrow/pods", body("v1", "Pod", spec=SPEC))
OWN_SECRET = ("POST", "/api/v1/namespaces/kubescrow/secrets", body("v1", "Secret"))
SECRET_ELSEWHERE = ("POST", "/api/v1/namespaces/default/secrets", body("v1", "Secret"))
LEASE = ("POST", LEASES.format("default"), body("coordination.k8s.io/v1", "Lease"))
SYSTEM_LEASE = ("POST", LEASES.format("kube-system"), body("coordination.k8s.io/v1", "Lease"))
ROLE = ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", body("rbac.authorization.k8s.io/v1", "ClusterRole"))
EXEC = ("POST", "/api/v1/namespaces/kubescrow/pods/x/exec")
NAMESPACE = ("DELETE", "/api/v1/namespaces/kubescrow")
QUESTION = {"user": "x", "nonResourceAttributes": {"path": "/", "verb": "get"}}
REVIEW = (
    "POST",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    body("authorization.k8s.io/v1", "SubjectAccessReview", metadata={}, spec=QUESTION),
)
OLD_SCALER = (
    "POST",
    "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers",
    body("autoscaling/v1", "HorizontalPodAutoscaler", spec=SCALER),
)


@pytest.mark.parametrize(
    ("caller", "request_", "webhook"),
    [
        pytest.param("agent", POD, "rules", id="what a rule is about"),
        pytest.param("bot", POD, "rules", id="a member of a group"),
        pytest.param("person", POD, None, id="a person is let alone"),
        pytest.param("excluded", POD, None, id="so is an excluded account"),
        pytest.param("agent", SECRET_ELSEWHERE, None, id="what no rule is about"),
        pytest.param("agent", OWN_POD, "rules", id="not twice where both are about it"),
        pytest.param("agent", OWN_SECRET, "self", id="our namespace"),
        pytest.param("agent", EXEC, "self", id="exec in our namespace"),
        pytest.param("agent", NAMESPACE, "wildcards", id="our namespace itself, by the rule on deletions"),
        pytest.param("agent", ROLE, "self", id="permissions"),
        pytest.param("agent", LEASE, None, id="a lease"),
        pytest.param("agent", SYSTEM_LEASE, "self", id="a lease in kube-system"),
        pytest.param("agent", REVIEW, None, id="a review"),
        pytest.param("agent", OLD_SCALER, "rules", id="an old version of a named resource"),
        pytest.param("person", OWN_SECRET, None, id="a person in our namespace"),
    ],
)
def test_the_api_server_calls(
    recorder: Recorder,
    callers: dict[str, Kubectl],
    caller: str,
    request_: tuple[str, str, Any],
    webhook: str | None,
) -> None:
    recorder.clear()
    status, message = answer(callers[caller], *request_)
    if webhook is None:
        assert (status, recorder.reviews()) == (201, [])
    else:
        assert f'admission webhook "{webhook}.policy.kubescrow.dev" denied the request: recorded' in message
        assert len(recorder.reviews()) == 1


def test_an_old_version_is_delivered_as_the_registered_one(recorder: Recorder, callers: dict[str, Kubectl]) -> None:
    """Converted, so that a rule and a fingerprint see one form whatever the client uses."""
    recorder.clear()
    answer(callers["agent"], *OLD_SCALER)
    (review,) = recorder.reviews()
    assert review["resource"]["version"] == "v2"
    assert review["requestResource"]["version"] == "v1"


def test_an_impersonated_agent_is_delivered_whatever_it_does(
    recorder: Recorder, callers: dict[str, Kubectl], controlplane: ControlPlane
) -> None:
    """Its credential has no id, and no rule is about Secrets here."""
    recorder.clear()
    headers = {
        "Impersonate-User": "system:serviceaccount:agents:bot",
        "Impersonate-Group": "system:serviceaccounts:agents",
    }
    status, found = controlplane.admin.request(
        "POST", f"{SECRET_ELSEWHERE[1]}?dryRun=All", SECRET_ELSEWHERE[2], headers
    )
    assert "self.policy.kubescrow.dev" in found["message"], status
    assert len(recorder.reviews()) == 1


def test_agents_have_a_priority_level_of_their_own(recorder: Recorder, callers: dict[str, Kubectl]) -> None:
    """The API server names in a header the FlowSchema that it put a request into."""
    schema = callers["person"].json("get", "flowschema", names.FLOW)["metadata"]["uid"]
    assert schema in callers["agent"].run("get", "namespaces", "-v=8").stderr
    assert schema not in callers["person"].run("get", "namespaces", "-v=8").stderr
