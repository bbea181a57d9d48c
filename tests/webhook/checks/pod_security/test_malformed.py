"""What no API server would store is refused, not overlooked: values of a wrong type, and places without an effect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.checks.pod_security.pods import pod
from tests.webhook.policy.language import asks
from webhook.checks import CHECK_BY_ID
from webhook.checks.inspection import Inspection

CANARY = "hunter2-correct-horse"


def found(check: str, written: dict[str, Any]) -> str:
    """What the check finds, in one text."""
    return "\n".join(CHECK_BY_ID[check].findings(Inspection(asks("CREATE", written))))


def container(**fields: Any) -> dict[str, Any]:
    """Write a Pod whose only container is this one."""
    return pod({"containers": [{"name": "api", **fields}]})


def secured(**fields: Any) -> dict[str, Any]:
    """Write a Pod whose only container has this securityContext."""
    return container(securityContext=fields)


@pytest.mark.parametrize(
    ("check", "written", "says"),
    [
        pytest.param("host-namespaces", pod({"hostPID": "false"}), 'spec.hostPID="false"', id="a flag in words"),
        pytest.param("host-namespaces", pod({"hostIPC": 0}), "spec.hostIPC=0", id="a flag as a number"),
        pytest.param("host-namespaces", pod({"hostIPC": {}}), "spec.hostIPC=an object", id="a flag as an object"),
        pytest.param("privileged-containers", secured(privileged=[]), "privileged=a list", id="a flag as a list"),
        pytest.param("privilege-escalation", secured(allowPrivilegeEscalation="false"), '="false"', id="not the false"),
        pytest.param("run-as-non-root", secured(runAsNonRoot="true"), '="true"; set it to true', id="not the true"),
        pytest.param("run-as-non-root", secured(runAsNonRoot=1), "runAsNonRoot=1;", id="one is not true"),
        pytest.param("run-as-user", secured(runAsUser="0"), 'runAsUser="0"', id="a user in words"),
        pytest.param("run-as-user", secured(runAsUser=False), "runAsUser=false", id="a user that is false"),
        pytest.param("run-as-user", secured(runAsUser=0.0), "runAsUser=0.0", id="a user with a fraction"),
        pytest.param("host-ports", container(ports=[{"hostPort": "0"}]), 'hostPort="0"', id="a port in words"),
        pytest.param("host-ports", container(ports=[{"hostPort": False}]), "hostPort=false", id="a port that is false"),
        pytest.param(
            "host-probes", container(livenessProbe={"httpGet": {"host": {}}}), "httpGet.host;", id="a host as an object"
        ),
        pytest.param("proc-mount-restricted", secured(procMount=[]), "procMount=a list", id="a mount type as a list"),
        pytest.param(
            "proc-mount-baseline",
            pod({"hostUsers": "false", "containers": [{"securityContext": {"procMount": "Unmasked"}}]}),
            'procMount="Unmasked"',
            id="users of its own in words only",
        ),
        pytest.param(
            "capabilities-baseline", secured(capabilities={"add": [["CHOWN"]]}), "add[0]=a list", id="a nested list"
        ),
        pytest.param(
            "capabilities-restricted", secured(capabilities={"drop": "ALL"}), 'drop is "ALL"; make it a list',
            id="a word instead of a list",
        ),
        pytest.param(
            "capabilities-restricted", secured(capabilities={"drop": [{"ALL": 1}]}), 'leaves out "ALL"', id="an object"
        ),
        pytest.param(
            "privilege-escalation", pod({"os": "windows"}), 'spec.os is "windows"; make it an object',
            id="an operating system in words",
        ),
        pytest.param("privilege-escalation", pod({"os": {"name": ["windows"]}}), "leaves out", id="a list of systems"),
        pytest.param(
            "seccomp-baseline", secured(seccompProfile={"type": {}}), "seccompProfile.type=an object",
            id="a profile type as an object",
        ),
        pytest.param("seccomp-baseline", secured(seccompProfile={}), "seccompProfile.type=null", id="no profile type"),
        pytest.param("app-armor", secured(appArmorProfile={"type": 1}), "appArmorProfile.type=1", id="a number"),
        pytest.param("se-linux", secured(seLinuxOptions={"user": False}), "seLinuxOptions.user=false", id="false"),
        pytest.param(
            "sysctls", pod({"securityContext": {"sysctls": [{}]}}), "sysctls[0].name=null", id="a sysctl without a name"
        ),
        pytest.param(
            "volume-types", pod({"volumes": [{"name": "v", "emptyDir": {}, "nfs": {}}]}), "spec.volumes[0].nfs;",
            id="a second type in the shadow of an allowed one",
        ),
        pytest.param(
            "volume-types", pod({"volumes": [{"name": "v", "newType": False}]}), "spec.volumes[0].newType;",
            id="a type that nobody knows yet",
        ),
        pytest.param(
            "volume-types", pod({"volumes": [{"a\nb": {}, 7: {}}]}), '[0]."a\\nb";', id="a type that is no word"
        ),
        pytest.param("host-path-volumes", pod({"volumes": [{"hostPath": {}}]}), "hostPath.path=null", id="no path"),
        pytest.param(
            "app-armor", pod({}, {"container.apparmor.security.beta.kubernetes.io/a\nb": 7}), "kubernetes.io/a\\nb\"];",
            id="an annotation as a number, with a line end in its name",
        ),
    ],
)  # fmt: skip
def test_a_wrong_type_is_found(check: str, written: dict[str, Any], says: str) -> None:
    """With its field and what it is; nothing is converted, as the kubelet might convert it otherwise."""
    assert says in found(check, written)


@pytest.mark.parametrize("kind", ["initContainers", "ephemeralContainers"])
@pytest.mark.parametrize(
    ("check", "fields"),
    [
        ("host-ports", {"ports": [{"hostPort": 1}]}),
        ("host-probes", {"livenessProbe": {"httpGet": {"host": "::1"}}}),
        ("host-probes", {"lifecycle": {"preStop": {"tcpSocket": {"host": "::1"}}}}),
    ],
)
def test_every_list_of_containers_is_judged(kind: str, check: str, fields: dict[str, Any]) -> None:
    """Also where the API server takes no such field today."""
    assert f"spec.{kind}[0]." in found(check, pod({kind: [{"name": "x", **fields}]}))


@pytest.mark.parametrize(
    ("check", "written"),
    [
        ("host-probes", container(livenessProbe={"httpGet": {"host": f"user:{CANARY}@admin.example"}})),
        ("host-probes", container(readinessProbe={"tcpSocket": {"host": CANARY}})),
        ("app-armor", pod({}, {"container.apparmor.security.beta.kubernetes.io/api": CANARY})),
        ("volume-types", pod({"volumes": [{"name": "v", "gitRepo": {"repository": f"https://x:{CANARY}@git.example"}}]})),
        ("volume-types", pod({"volumes": [{"name": "v", "flexVolume": {"options": {"password": CANARY}}}]})),
    ],
)  # fmt: skip
def test_free_text_is_not_repeated(check: str, written: dict[str, Any]) -> None:
    """A password in a field that can hold anything is in no message."""
    text = found(check, written)
    assert text
    assert CANARY not in text
