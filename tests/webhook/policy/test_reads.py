"""Rules about reads: the authorizer refuses what they are about, and the writes that are reads in disguise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import BOT, HUMAN, asks, judged, policy, rule
from webhook.admission.request import User
from webhook.admission.verdict import Action
from webhook.policy.authorization import refusal
from webhook.policy.compile import compile_policy, compile_set
from webhook.policy.model import InvalidPolicy, parse_policy
from webhook.policy.protection import Protected

READS = ["GET", "LIST", "WATCH"]
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "prod"}, "data": {"p": "eA=="}}


def reads(operations: list[str] = READS, **match: Any) -> dict[str, Any]:
    """Write a rule about reads of Secrets."""
    return rule(name="reads", match={"operations": operations, "apiGroups": [""], "resources": ["secrets"], **match})


def refused(verb: str, *policies: Any, user: User = BOT, group: str = "", resource: str = "secrets",
            namespace: str = "prod", name: str = "", **more: str) -> str:  # fmt: skip
    """Ask as the API server does, and return why it is refused; empty = no opinion."""
    attributes = {"verb": verb, "group": group, "version": "v1", "resource": resource, "namespace": namespace}
    spec = {
        "user": user.username,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
        "resourceAttributes": {**attributes, "name": name, **more},
    }
    return refusal({"spec": spec}, compile_set(policies), protected=Protected())


@pytest.mark.parametrize("verb", ["get", "list", "watch", "patch", "deletecollection"])
def test_what_is_answered_with_the_object_is_refused(verb: str) -> None:
    """A patch shows the whole object, and the deletion of a collection all of them."""
    assert " secrets prod/db is what this rule is about" in refused(verb, policy(reads()), name="db")


@pytest.mark.parametrize("verb", ["create", "update", "delete", "use", "escalate", ""])
def test_there_is_no_opinion_about_other_verbs(verb: str) -> None:
    """Admission judges writes; a replacement is answered with what was sent."""
    assert refused(verb, policy(reads())) == ""


def test_each_operation_is_a_rule_of_its_own() -> None:
    """A policy that names GET alone says nothing of lists, as its author wrote it."""
    got, listed = policy(reads(["GET"])), policy(reads(["LIST"]))
    assert [bool(refused(verb, got)) for verb in ("get", "list", "watch", "patch")] == [True, False, False, True]
    assert [bool(refused(verb, listed)) for verb in ("get", "list", "watch", "patch")] == [False, True, False, False]


def test_a_list_of_all_namespaces_is_one_of_each() -> None:
    """Else the Secrets of prod are read by asking for those of everybody."""
    in_prod, not_dev = policy(reads(namespaces=["prod"])), policy(reads(excludeNamespaces=["dev"]))
    for verb in ("list", "watch"):
        assert "p/reads" in refused(verb, in_prod, namespace="")
        assert "p/reads" in refused(verb, not_dev, namespace="")
    assert refused("list", in_prod, namespace="dev") == refused("list", not_dev, namespace="dev") == ""


def test_a_list_without_a_name_is_one_of_each_name() -> None:
    """Else a named Secret is read by asking for all of them; a list by field selector has its name."""
    one, all_but = policy(reads(resourceNames=["db"])), policy(reads(excludeResourceNames=["own"]))
    assert "p/reads" in refused("list", one)
    assert "p/reads" in refused("list", all_but)
    assert refused("get", one, name="own") == refused("get", all_but, name="own") == ""
    assert refused("list", all_but, name="own") == ""


def test_what_has_no_namespace_is_in_none_that_is_named() -> None:
    """A rule about a namespace does not refuse to get a Node."""
    nodes = policy(rule(name="reads", match={"operations": READS, "namespaces": ["prod"]}))
    assert refused("get", nodes, resource="nodes", namespace="", name="n1") == ""
    assert refused("get", nodes, resource="pods", namespace="prod", name="a") != ""


def test_subresources_are_named_as_ever() -> None:
    """`pods` is not its log."""
    logs = policy(rule(name="logs", match={"operations": ["GET"], "apiGroups": [""], "resources": ["pods/log"]}))
    assert "p/logs: GET pods/log prod/web is" in refused("get", logs, resource="pods", name="web", subresource="log")
    assert refused("get", logs, resource="pods", name="web") == ""


def test_a_condition_and_a_message_see_the_request() -> None:
    """There is no object, but who asks for what."""
    written = {**reads(), "condition": "request.name != params.own", "message": "'ask for ' + request.namespace"}
    with_params = policy(written, params={"own": "mine"})
    assert refused("get", with_params, name="db") == "p/reads: ask for prod"
    assert refused("get", with_params, name="mine") == ""
    assert refused("patch", with_params, name="db") == (
        "p/reads: ask for prod; a patch is answered with the whole object"
    )


def test_an_expression_that_errs_refuses() -> None:
    """Not knowing never lets through, unless the author says so."""
    broken = {**reads(), "condition": "request.nothing == 1"}
    assert "p/reads: the condition has no answer" in refused("get", policy(broken), name="db")
    assert refused("get", policy(broken, failurePolicy="Ignore"), name="db") == ""


def test_others_and_observing_policies_refuse_nothing() -> None:
    """People read as RBAC lets them; a policy that observes stops nobody."""
    assert refused("get", policy(reads()), user=HUMAN) == ""
    assert refused("get", policy(reads(), mode="Observe")) == ""


def test_a_broken_policy_refuses_every_read() -> None:
    """What was meant to be secret is not known."""
    broken = policy({**reads(), "condition": "no("}, name="b")
    assert refused("list", broken, resource="pods") == (
        "b/policy: this policy is broken, so every read is denied; ask its owner to mend it"
    )
    assert refused("create", broken, resource="pods") == ""
    assert refused("list", {**broken, "spec": {**broken["spec"], "mode": "Observe"}}, resource="pods") == ""


def test_impersonation_is_refused_anyway_and_says_by_which_rule() -> None:
    """A rule can give the reason."""
    told = policy(rule(name="nobody", match={"operations": ["IMPERSONATE"]}, message="'use your own name'"))
    verb = "impersonate:user-info"
    assert (
        refused(verb, told, resource="users", name="eve")
        == "kubescrow/impersonation: agents do not impersonate; p/nobody: use your own name"
    )


def test_a_star_means_no_reads() -> None:
    """Policies of before do not begin to refuse them."""
    assert refused("get", policy(rule(match={"operations": ["*"]})), name="db") == ""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"options": {"propagationPolicy": "Foreground"}}, "makes the deletion wait, and answer with the data"),
        ({"options": {"orphanDependents": True}}, "makes the deletion wait, and answer with the data"),
        ({"name": ""}, "a deletion of a whole collection answers with the data of every object"),
        ({"old": {**SECRET, "metadata": {"name": "db", "namespace": "prod", "finalizers": ["a/b"]}}},
         "metadata.finalizers make the deletion wait"),
    ],
)  # fmt: skip
def test_a_deletion_that_is_answered_with_the_object_is_denied(more: dict[str, Any], told: str) -> None:
    """Admission sees its options, the authorizer does not. A dry run deletes nothing and is answered all the same."""
    for dry_run in (False, True):
        asked = asks("DELETE", **{"old": SECRET, **more}, dry_run=dry_run)
        found = judged(asked, policy(reads()))
        assert (found.action, told in found.findings[0].message) == (Action.DENY, True), found
        assert judged(asked, policy(reads(namespaces=["dev"]))).action is Action.ALLOW
        assert judged(asked, policy(reads(), mode="Observe")).action is Action.ALLOW


def test_a_plain_deletion_passes() -> None:
    """It is answered with a name."""
    assert judged(asks("DELETE", old=SECRET), policy(reads())).action is Action.ALLOW


def test_deletions_are_delivered_for_it() -> None:
    """And nothing else."""
    (scope,) = compile_policy(parse_policy(policy(reads()))).scopes
    assert (scope.operations, scope.api_groups, scope.resources) == (("DELETE",), ("",), ("secrets",))


def test_a_rule_about_reads_does_not_count_for_unmatched() -> None:
    """It says nothing of writes."""
    found = judged(asks("DELETE", old=SECRET), policy(reads(), unmatched="Deny"))
    assert [finding.rule for finding in found.findings] == ["unmatched"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"match": {"operations": ["GET", "CREATE"]}}, 'match.operations: "GET, CREATE" is not allowed; use GET, '),
        ({"match": {"operations": ["*", "GET"]}}, 'match.operations: "*, GET" is not allowed'),
        ({"action": "Hold"}, "action: Hold of a read is not allowed; use Deny for reads"),
        ({"action": "Warn"}, "action: Warn of a read is not allowed; use Deny for reads"),
        ({"check": "secret-reads"}, "check: a check of a read is not allowed; use a condition"),
        ({"match": {"operations": ["GET"], "objectSelector": {"matchLabels": {"a": "b"}}}},
         "match.objectSelector: labels of a read is not allowed; use namespaces and resourceNames"),
        ({"condition": "object.x == 1"}, "condition: object in a rule about reads is not allowed; use request"),
        ({"message": "namespaceObject.metadata.name"}, "message: namespaceObject in a rule about reads is not allowed"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_of_a_read_is_refused(written: dict[str, Any], told: str) -> None:
    """With the field and what to write instead."""
    with pytest.raises(InvalidPolicy) as refusal_:
        compile_policy(parse_policy(policy({**rule(match={"operations": ["GET"]}), **written})))
    assert any(told in str(problem) for problem in refusal_.value.problems), refusal_.value.problems


@pytest.mark.parametrize(
    "attributes", [{"verb": 1}, {"verb": "get", "name": ["x"]}, {"verb": "get", "namespace": None}]
)
def test_malformed_attributes_never_break_it(attributes: Any) -> None:
    """What is no text counts as left out, which matches every name."""
    spec = {"user": BOT.username, "resourceAttributes": {"group": "", "resource": "secrets", **attributes}}
    assert isinstance(refusal({"spec": spec}, compile_set([policy(reads())]), protected=Protected()), str)
