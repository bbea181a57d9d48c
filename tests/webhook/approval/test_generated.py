"""One test a row: the same command sent twice is one intent, and what the client wrote itself stays visible."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from tests.webhook.approval.requests import DELIVERED, delivered, print_of, request, text_of, update
from webhook.admission.request import Operation, Request
from webhook.approval.generated import ROWS, TOKEN_VOLUME, generated, server_times

NAMES = sorted(path.stem for path in DELIVERED.glob("*.yaml"))
OWN_UID = "3c0a7e0e-8a59-4c8e-9a3b-0b6f8c1d2e3f"
TOKEN = "kube-api-access-"


@pytest.mark.parametrize("name", NAMES)
def test_the_same_command_sent_twice_is_one_intent(name: str) -> None:
    """Two real requests of one command have one fingerprint and one text."""
    first, second = delivered(name)
    assert first.uid != second.uid
    assert print_of(first) == print_of(second)
    assert text_of(first) == text_of(second)


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("pod", ["spec.containers.0.volumeMounts.0.name", "spec.initContainers.0.volumeMounts.0.name"]),
        ("pod-with-generated-name", ["metadata.name"]),
        ("service", ["spec.clusterIP", "spec.clusterIPs.0"]),
        ("service-node-port", ["spec.clusterIP", "spec.ports.0.nodePort", "spec.ports.1.nodePort"]),
        ("service-node-port-applied-by-server", ["spec.clusterIP", "spec.ports.0.nodePort"]),
        ("service-load-balancer", ["spec.healthCheckNodePort", "spec.ports.0.nodePort"]),
        ("service-update-to-node-port", ["spec.ports.0.nodePort", "spec.ports.1.nodePort"]),
        ("job", ["spec.selector.matchLabels.batch.kubernetes.io/controller-uid"]),
        ("job-with-generated-name", ["metadata.name", "spec.template.metadata.labels.job-name"]),
        ("namespace-with-generated-name", ["metadata.labels.kubernetes.io/metadata.name", "metadata.name"]),
        ("persistent-volume", ["status.lastPhaseTransitionTime"]),
        ("certificate-signing-request", ["spec.extra", "spec.groups"]),
    ],
)
def test_generated_values_are_found_where_the_server_put_them(name: str, places: list[str]) -> None:
    """Real requests have a marker at each of these places."""
    found = {".".join(map(str, path)) for path in generated(delivered(name)[0])}
    assert set(places) <= found


def test_a_deployment_has_nothing_generated_but_its_uid() -> None:
    """Looked at, and stable."""
    assert set(generated(delivered("deployment")[0])) == {("metadata", "uid")}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_every_row_survives_any_object(row: Any) -> None:
    """Malformed parts are the client's words, not a crash."""
    odd: list[Any] = [None, 1, "x", [], {}, [None, 1, "x", {"name": [], "volumeMounts": [1]}]]
    for value in odd:
        for field in ("ports", "clusterIPs", "volumes", "containers", "template", "extra"):
            obj = {"metadata": value, "spec": {field: value}, "status": value}
            asked = request(kind=row.kind, object=obj, old_object=obj)
            assert list(row.find(replace(asked, kind=replace(asked.kind, group=row.group)))) is not None


def test_rows_are_of_different_kinds() -> None:
    """One row for each kind, and only the PersistentVolume has a time that changes during an UPDATE."""
    assert len({(row.group, row.kind) for row in ROWS}) == len(ROWS)
    assert [row.kind for row in ROWS if row.times] == ["PersistentVolume"]
    assert server_times(update({}, {}, "PersistentVolume")) == (("status", "lastPhaseTransitionTime"),)
    assert server_times(update({}, {}, "Deployment")) == server_times(update({}, {})) == ()


# -- Pod ---------------------------------------------------------------------------------------------------------------


def _pod(name: str, source: dict[str, Any], **mount: Any) -> Request:
    mounts = [{"name": name, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True, **mount}]
    containers = [{"name": "c", "image": "a", "volumeMounts": mounts}]
    spec = {"containers": containers, "ephemeralContainers": containers, "volumes": [{"name": name, **source}]}
    return request(kind="Pod", object={"apiVersion": "v1", "kind": "Pod", "spec": spec})


def test_the_name_of_the_token_volume_is_generated_everywhere() -> None:
    """At the volume and at its mounts, in all kinds of containers; its path and content stay."""
    pods = [_pod(TOKEN + end, {"projected": TOKEN_VOLUME}) for end in ("bcdfg", "hjklm")]
    assert print_of(pods[0]) == print_of(pods[1])
    assert "bcdfg" not in text_of(pods[0])
    assert "/var/run/secrets/kubernetes.io/serviceaccount" in text_of(pods[0])


@pytest.mark.parametrize(
    "source",
    [
        pytest.param({"hostPath": {"path": "/"}}, id="a hostPath of that name"),
        pytest.param({"projected": TOKEN_VOLUME, "hostPath": {"path": "/"}}, id="a hostPath beside the projection"),
        pytest.param({"projected": {**TOKEN_VOLUME, "defaultMode": 511}}, id="another file mode"),
        pytest.param(
            {"projected": {**TOKEN_VOLUME, "sources": [{"serviceAccountToken": {"path": "token"}}]}},
            id="another projection",
        ),
    ],
)
def test_a_volume_that_only_has_the_name_stays_the_clients(source: dict[str, Any]) -> None:
    """The plugin mounts whatever has such a name: it must be shown and hashed, name and all."""
    pods = [_pod(TOKEN + end, source) for end in ("bcdfg", "hjklm")]
    assert not generated(pods[0])
    assert print_of(pods[0]) != print_of(pods[1])
    assert TOKEN + "bcdfg" in text_of(pods[0])


def test_a_name_that_the_server_cannot_have_drawn_stays() -> None:
    """Its random part has five characters of an alphabet without vowels."""
    for name in (TOKEN + "admin", TOKEN + "bcdf", TOKEN + "bcdfgh", "bcdfg"):
        assert not generated(_pod(name, {"projected": TOKEN_VOLUME}))


def test_an_update_of_a_pod_has_nothing_generated() -> None:
    """The volume is there already and cannot change."""
    pod = _pod(TOKEN + "bcdfg", {"projected": TOKEN_VOLUME}).object
    assert generated(update(pod, pod, "Pod")) == {}


# -- Service -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("service-with-chosen-address-and-port", ["10.96.0.77", "nodePort: 30123"]),
        ("service-with-chosen-address-and-port-applied-by-server", ["10.96.0.77", "nodePort: 30123"]),
        ("service-with-forged-managed-fields", ["10.96.0.77", "nodePort: 30123"]),
        ("service-with-emptied-managed-fields", ["10.96.0.77", "nodePort: 30123"]),
        ("service-update-to-chosen-node-port", ["nodePort: 30124"]),
        ("service-update-with-forged-managed-fields", ["nodePort: 30124"]),
        ("service-update-with-emptied-managed-fields", ["nodePort: 30124"]),
    ],
)
def test_what_the_client_chose_is_shown(name: str, shown: list[str]) -> None:
    """Real requests with chosen values, some with managedFields that try to deny it."""
    text = text_of(delivered(name)[0])
    assert all(value in text for value in shown)


def test_a_chosen_port_is_another_intent_than_a_generated_one() -> None:
    """Also when an attacker removes the managedFields altogether, which no API server does on CREATE."""
    asked = delivered("service-node-port")[0]
    bare = deepcopy(dict(asked.object or {}))
    del bare["metadata"]["managedFields"]
    prints = {print_of(asked), print_of(replace(asked, object=bare))}
    prints.add(print_of(delivered("service-with-chosen-address-and-port")[0]))
    assert len(prints) == 3


def _service(uid: str = "s", owned: Any = None, **spec: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"f:spec": {"f:type": {}}} if owned is None else owned
    return {"metadata": {"uid": uid, "managedFields": [{"fieldsV1": fields}]}, "spec": spec}


def test_a_headless_service_is_never_generated() -> None:
    """`None` is a decision, even if no manager owned it."""
    assert not generated(request(kind="Service", object=_service(clusterIP="None", clusterIPs=["None"])))


def test_a_second_address_is_generated_beside_the_old_one() -> None:
    """Going dual-stack keeps the first address, which stays visible."""
    old = _service(clusterIP="10.96.0.1", clusterIPs=["10.96.0.1"])
    new = _service(clusterIP="10.96.0.1", clusterIPs=["10.96.0.1", "fd00::1"])
    assert set(generated(update(old, new, "Service"))) == {("spec", "clusterIPs", 1)}


def test_a_port_that_the_service_had_before_stays() -> None:
    """A new port beside it is generated, the old one is bound by its number."""
    old = _service(ports=[{"port": 80, "nodePort": 30080}])
    new = _service(ports=[{"port": 80, "nodePort": 30080}, {"port": 443, "nodePort": 31443}])
    assert set(generated(update(old, new, "Service"))) == {("spec", "ports", 1, "nodePort")}


# -- Job, own UID, generated name --------------------------------------------------------------------------------------


def test_only_the_own_uid_is_taken_for_one() -> None:
    """A controller-uid that the client chose is another UID, and stays."""
    job: dict[str, Any] = {
        "metadata": {"uid": OWN_UID},
        "spec": {"selector": {"matchLabels": {"controller-uid": OWN_UID}}},
    }
    other = deepcopy(job)
    other["spec"]["selector"]["matchLabels"]["controller-uid"] = OWN_UID.replace("3", "4")
    assert "(generated by the server, own UID)" in text_of(request(kind="Job", object=job))
    assert OWN_UID.replace("3", "4") in text_of(request(kind="Job", object=other))


def test_a_label_that_repeats_a_chosen_name_stays() -> None:
    """Without generateName nothing is generated."""
    labels = {"job-name": "web", "batch.kubernetes.io/job-name": "web"}
    job = {"metadata": {"name": "web"}, "spec": {"template": {"metadata": {"labels": labels}}}}
    assert not generated(request(kind="Job", object=job))


def test_only_listed_labels_repeat_a_generated_name() -> None:
    """Elsewhere the name is the client's word: an image, an argument, another label."""
    meta = {"name": "web-bcdfg", "generateName": "web-", "labels": {"app": "web-bcdfg"}}
    asked = request(kind="Job", name="web-bcdfg", object={"metadata": meta, "spec": {"image": "web-bcdfg"}})
    assert set(generated(asked)) == {("metadata", "name")}


def test_a_persistent_volumes_time_is_generated_on_create_only() -> None:
    """During an UPDATE of the status it counts as a path."""
    new = {"status": {"lastPhaseTransitionTime": "2026-01-01T00:00:00Z"}}
    assert not generated(update({}, new, "PersistentVolume", subresource="status"))
    prints = [
        print_of(update({}, {"status": {"lastPhaseTransitionTime": time}}, "PersistentVolume", subresource="status"))
        for time in ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    ]
    assert prints[0] == prints[1] != print_of(update({}, {"status": {}}, "PersistentVolume", subresource="status"))


def test_a_subresource_creates_no_object() -> None:
    """The body of an eviction is the client's alone, UID included."""
    body = {"metadata": {"name": "web", "uid": OWN_UID, "annotations": {"x": OWN_UID}}}
    assert not generated(request(Operation.CREATE, "Pod", subresource="eviction", object=body))
