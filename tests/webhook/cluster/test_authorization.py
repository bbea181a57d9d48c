"""The roles in `manifests/` give what is used and no more, and say what for."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.controlplane.controlplane import ControlPlane
from tests.webhook.cluster.conftest import ROOT
from webhook.cluster import names

FOLDER = ROOT / "manifests/authorization"
FILES = sorted(FOLDER.glob("*.yaml"))


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in FILES:
        for document in yaml.safe_load_all(file.read_text()):
            for rule in document.get("rules", ()):
                yield f"{document['kind']}/{document['metadata']['name']}", rule


def test_no_role_has_a_wildcard() -> None:
    """Neither in verbs, groups nor resources."""
    assert [
        (role, rule) for role, rule in rules() if "*" in {entry for values in rule.values() for entry in values}
    ] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_rule_says_what_it_is_for(file: Any) -> None:
    """A comment stands above it, or above the rule before it where one purpose needs two."""
    lines = file.read_text().splitlines()
    bare = [
        number
        for number, line in enumerate(lines)
        if line.startswith("- apiGroups:") and not lines[number - 1].startswith("#")
    ]
    assert all(lines[number - 4].startswith("#") for number in bare)


def test_roles_are_limited_to_the_names_that_the_server_uses() -> None:
    """The manifests repeat `names`; this holds them together."""
    named = {name for _, rule in rules() for name in rule.get("resourceNames", ())}
    assert named == {
        names.POLICIES_CRD,
        names.POLICIES_CONFIGURATION,
        names.GUARDS_CONFIGURATION,
        names.FLOW,
        names.KEYS_SECRET,
        names.TLS_SECRET,
        names.LEASE,
    }


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        pytest.param("approve", "agentpolicies.kubescrow.dev", id="decide, so that it never approves by itself"),
        pytest.param("patch", "approvals.kubescrow.dev", id="annotate approvals"),
        pytest.param("update", "agentpolicies.kubescrow.dev", id="change policies"),
        pytest.param("list", "secrets", id="list Secrets"),
        pytest.param("get", "secrets/other", id="read others' Secrets"),
        pytest.param("delete", "validatingwebhookconfigurations/kubescrow-guards", id="delete its registration"),
        pytest.param("update", "validatingwebhookconfigurations/other", id="change others' webhooks"),
    ],
)
def test_the_server_may_not(controlplane: ControlPlane, verb: str, resource: str) -> None:
    server = controlplane.service_account("kubescrow", names.SERVICE_ACCOUNT)
    asked = server.run("auth", "can-i", verb, resource, "-n", "kubescrow")
    assert asked.stdout.strip() == "no"


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        pytest.param("kubescrow-agent", "get approvals/x", "list approvals", id="an agent reads what it was told"),
        pytest.param("kubescrow-viewer", "list approvals", "patch approvals", id="a viewer changes nothing"),
        pytest.param("kubescrow-approver", "patch approvals", "delete approvals", id="an approver deletes nothing"),
    ],
)
def test_with_the_role(controlplane: ControlPlane, role: str, may: str, may_not: str) -> None:
    person = controlplane.user(f"with-{role}")
    controlplane.admin.run(
        "create", "clusterrolebinding", f"test-{role}", f"--clusterrole={role}", f"--user=with-{role}"
    )
    for words, answer in ((may, "yes"), (may_not, "no")):
        assert person.run("auth", "can-i", *words.split(), "--all-namespaces").stdout.strip() == answer
