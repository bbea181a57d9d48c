"""An intent holds what would happen, and nothing about how it was asked for."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.approval.requests import KEY, OBJECTS, POD, delivered, executed, print_of, request, text_of, update
from webhook.admission.request import Kind, Operation, Request, Resource, User
from webhook.approval.canonical import canonical_json
from webhook.approval.document import DEPTH_LIMIT, CannotHold
from webhook.approval.fingerprint import fingerprint
from webhook.approval.intent import Target, TargetMissing, intent, needs_target

EXEC = executed(command=["id"])
DELETION = request(Operation.DELETE, old_object={"metadata": {"uid": "w1"}}, options={"gracePeriodSeconds": 30})


@given(OBJECTS, st.text(), st.dictionaries(st.text(), st.tuples(st.text())), st.lists(st.text()))
def test_how_it_was_asked_for_does_not_matter(
    obj: dict[str, Any], uid: str, extra: dict[str, tuple[str]], groups: list[str]
) -> None:
    """Another pod, token, group, request uid, field manager, dry run: the same intent."""
    user = User("system:serviceaccount:agents:bot", "bot-uid", tuple(groups), extra)
    options = {"kind": "CreateOptions", "fieldManager": uid, "fieldValidation": uid}
    other = request(object=obj, uid=uid, user=user, options=options, dry_run=True, wire={"uid": uid})
    assert print_of(other) == print_of(request(object=obj))


@pytest.mark.parametrize("asked", [EXEC, DELETION, request(object={"a": 1}), update({"a": 1}, {"a": 2})])
@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"namespace": "prod"}, id="namespace"),
        pytest.param({"name": "api"}, id="name"),
        pytest.param({"user": User("system:serviceaccount:agents:other", "bot-uid")}, id="requester"),
        pytest.param({"user": User("system:serviceaccount:agents:bot", "recreated")}, id="UID of the requester"),
        pytest.param({"resource": Resource("", "v1", "others")}, id="resource"),
        pytest.param({"resource": Resource("other.example", "v1", "pods")}, id="group"),
        pytest.param({"subresource": "status"}, id="subresource"),
    ],
)
def test_what_is_asked_for_matters(asked: Request, changed: dict[str, Any]) -> None:
    """Each of these is another intent."""
    assert print_of(replace(asked, **changed)) != print_of(asked)


@pytest.mark.parametrize("field", ["managedFields", "resourceVersion", "generation", "creationTimestamp"])
def test_bookkeeping_of_the_server_is_left_out(field: str) -> None:
    """Of a created object and of both sides of an update; anywhere but in metadata the same key counts."""
    plain: dict[str, Any] = {"metadata": {"labels": {"a": "b"}}}
    noted: dict[str, Any] = {"metadata": {"labels": {"a": "b"}, field: "7"}}
    assert print_of(request(object=noted)) == print_of(request(object=plain))
    assert print_of(update(noted, plain)) == print_of(update(plain, noted)) == print_of(update(plain, plain))
    assert print_of(request(object={**plain, "spec": {field: "7"}})) != print_of(request(object=plain))


@pytest.mark.parametrize("field", ["finalizers", "ownerReferences", "deletionTimestamp", "annotations", "name"])
def test_every_other_metadata_counts(field: str) -> None:
    """Exactly the four are left out."""
    assert print_of(update({"metadata": {}}, {"metadata": {field: ["x"]}})) != print_of(update({}, {}))
    assert print_of(request(object={"metadata": {field: ["x"]}})) != print_of(request(object={"metadata": {}}))


@pytest.mark.parametrize(
    "options",
    [
        {"gracePeriodSeconds": 0},
        {"gracePeriodSeconds": 30, "propagationPolicy": "Orphan"},
        {"gracePeriodSeconds": 30, "orphanDependents": True},
        {"gracePeriodSeconds": 30, "preconditions": {"uid": "w1"}},
    ],
)
def test_options_of_a_deletion_count(options: dict[str, Any]) -> None:
    """They decide what goes with the object, and how."""
    assert print_of(replace(DELETION, options=options)) != print_of(DELETION)


def test_dress_of_the_options_does_not_count() -> None:
    """Their own kind and version, and a dry run, which is never held."""
    dressed = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "dryRun": ["All"], "gracePeriodSeconds": 30}
    assert print_of(replace(DELETION, options=dressed)) == print_of(DELETION)


def test_a_recreated_object_is_another_target() -> None:
    """Deletion and update are bound to the UID."""
    again = {"metadata": {"uid": "w2"}}
    assert print_of(replace(DELETION, old_object=again)) != print_of(DELETION)
    assert print_of(update({"metadata": {"uid": "w1"}}, {})) != print_of(update(again, {}))


def test_a_deletion_through_another_version_is_the_same() -> None:
    """The version belongs to a body, and a deletion has none."""
    other = replace(
        DELETION, kind=Kind("example.com", "v2", "Widget"), resource=Resource("example.com", "v2", "widgets")
    )
    assert print_of(other) == print_of(DELETION)


def test_a_path_of_another_version_is_another() -> None:
    """`spec.size: 1` may mean megabytes in v1 and gigabytes in v2."""
    asked = update({"size": 1}, {"size": 2})
    assert print_of(replace(asked, kind=Kind("example.com", "v2", "Widget"))) != print_of(asked)


@pytest.mark.parametrize(
    ("asked", "needed"),
    [
        (delivered("exec")[0], True),
        (replace(EXEC, subresource="attach"), True),
        (replace(EXEC, subresource="portforward"), True),
        (replace(EXEC, subresource="proxy"), False),
        (delivered("eviction")[0], True),
        (delivered("binding")[0], True),
        (delivered("binding-the-old-way")[0], True),
        (delivered("token-request")[0], False),
        (delivered("scale")[0], False),
        (delivered("pod-deletion")[0], False),
        (delivered("pod")[0], False),
        (replace(EXEC, resource=Resource("example.com", "v1", "pods")), False),
    ],
    ids=lambda value: f"{value.operation} {value.resource_path}" if isinstance(value, Request) else str(value),
)
def test_a_pod_is_looked_up_where_the_review_does_not_name_it(asked: Request, needed: bool) -> None:
    """Then it must be given; elsewhere it is not asked for and does not count."""
    assert needs_target(asked) is needed
    if needed:
        with pytest.raises(TargetMissing):
            intent(asked, None)
    else:
        assert intent(asked, POD) == intent(asked, None)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Target("recreated", POD.images), id="another pod of that name"),
        pytest.param(Target(POD.uid, ("web=registry.example/web@sha256:2",)), id="another image in place"),
        pytest.param(Target(POD.uid), id="images not known"),
    ],
)
def test_the_target_pod_counts(other: Target) -> None:
    """Approved for one Pod, an exec does not pass into another."""
    assert print_of(EXEC, other) != print_of(EXEC)
    swapped = Target("p", ("a=1", "b=2")), Target("p", ("b=2", "a=1"))
    assert print_of(EXEC, swapped[0]) != print_of(EXEC, swapped[1])


@pytest.mark.parametrize(
    "options",
    [
        {"command": ["id", "-u"]},
        {"command": ["id"], "container": "db"},
        {"command": ["id"], "stdin": True},
        {"command": ["id"], "tty": True},
        {"command": ["id "]},
    ],
)
def test_everything_about_an_exec_counts(options: dict[str, Any]) -> None:
    """Argument vector, container, and what is connected."""
    assert print_of(replace(EXEC, object=options)) != print_of(EXEC)


def test_a_token_request_is_bound_to_its_account_and_holds_no_token() -> None:
    """The UID in it is the ServiceAccount's; a status, should one be there, is dropped."""
    asked = delivered("token-request")[0]
    assert asked.object is not None
    issued = replace(asked, object={**asked.object, "status": {"token": "eyJ.secret"}})
    assert intent(issued, None) == intent(asked, None)
    assert intent(asked, None).document["target"] == {"uid": asked.object["metadata"]["uid"]}


def test_an_intent_does_not_print_its_document() -> None:
    """It holds secrets in plain text."""
    assert "hunter22" not in repr(intent(request(kind="Secret", object={"data": {"p": "hunter22"}}), None))


def test_a_generated_name_is_not_the_name_of_the_intent() -> None:
    """A client that writes the marker's text as a name is somebody else."""
    asked = delivered("pod-with-generated-name")[0]
    forged = replace(asked, name="(generated by the server, name)")
    assert print_of(forged) != print_of(asked)
    assert text_of(forged) != text_of(asked)


def test_an_object_nested_too_deep_cannot_be_held() -> None:
    """On either side of an update, and in a new object."""
    deep: Any = {}
    for _ in range(DEPTH_LIMIT + 1):
        deep = {"a": deep}
    for asked in (request(object=deep), update(deep, {}), update({}, deep), replace(EXEC, object=deep)):
        with pytest.raises(CannotHold):
            intent(asked, POD)


def test_missing_parts_are_empty() -> None:
    """A request without object, old object or options has an intent, and never none."""
    for operation in Operation:
        made = intent(request(operation, kind="Widget"), None)
        assert canonical_json(made.document)
        assert len(fingerprint(made, key=KEY)) == 64
