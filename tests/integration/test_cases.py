"""Every case through the real API server: as the agent, with its bound token, in front of the installed webhook.

A bare Pod also inside a Deployment and a CronJob; what can be changed also as an update of something that was fine; a
request as it is written. Beside that, Kubernetes' own Pod Security admission judges the same Pods.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from tests.controlplane.connection import Connection
from tests.installation import Installation
from tests.integration.before import before
from tests.integration.sending import Sender, Sent
from tests.integration.story import Story, begin
from tests.webhook.checks.cases import Case, cases
from tests.webhook.checks.governing import policy_of
from tests.webhook.checks.wrapping import forms
from tests.webhook.policy.language import BOT, POD, asks
from webhook.admission.request import Operation, Request
from webhook.checks.check import Check
from webhook.checks.inspection import Inspection
from webhook.checks.pod_security import BASELINE, RESTRICTED

NAMESPACE = "agents"
REACHABLE = [
    pytest.param(case, id=f"{case.check}: {case.path.parent.name}: {case.sentence}")
    for case in cases()
    if not case.unreachable
]
BARE_PODS = [case for case in cases() if case.is_manifest and case.said.get("kind") == "Pod"]


@dataclass(frozen=True)
class Governed:
    """The agent of all cases, and the rule that each case is judged by."""

    story: Story
    sender: Sender
    admin: Connection
    rules: dict[str, str]

    def rule_of(self, case: Case) -> str:
        """`policy/rule` of a case."""
        return self.rules[_terms(case)]


def _terms(case: Case) -> str:
    """What a case asks of its policy; cases that ask the same share a rule."""
    policy = policy_of(case)
    return json.dumps([case.check, policy["spec"]], sort_keys=True)


@pytest.fixture(scope="module")
def governed(kubescrow: Installation) -> Iterator[Governed]:
    """One policy for all cases; another one only where a case needs other subjects or ServiceAccounts."""
    story = begin(kubescrow, NAMESPACE)
    policies, rules = _policies([case for case in cases() if not case.unreachable])
    kubescrow.apply(yaml.safe_dump_all(policies))
    with ExitStack() as stack:
        admin, agent = (stack.enter_context(who.connect()) for who in (story.cluster.admin, story.agent))
        yield Governed(story, Sender(story.cluster, admin, agent), admin, rules)
        kubescrow.remove(*(policy["metadata"]["name"] for policy in policies))


def _policies(judged: list[Case]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The policies of these cases, and the rule path of each term."""
    policies: dict[str, dict[str, Any]] = {}
    rules: dict[str, str] = {}
    for case in judged:
        if (terms := _terms(case)) in rules:
            continue
        written = policy_of(case, name=f"cases-{len(policies)}", rule_name=f"{case.check}-{len(rules)}")
        [rule] = written["spec"].pop("rules")
        shared = policies.setdefault(json.dumps(written["spec"], sort_keys=True), written)
        shared["spec"].setdefault("rules", [])
        shared["spec"]["rules"].append(rule)
        rules[terms] = f"{shared['metadata']['name']}/{rule['name']}"
    return list(policies.values()), rules


def ways(case: Case) -> Iterator[tuple[Request, tuple[str, ...]]]:
    """Every request by which this case can be sent, with the findings it must have."""
    if not case.is_manifest:
        yield from ((request, case.findings) for request in case.requests())
        return
    for form in forms(case):
        has_debuggers = "ephemeralContainers" in (form.said.get("spec") or {})
        if not has_debuggers:
            yield asks("CREATE", form.said), form.findings
        if (old := before(form.said)) is not None:
            subresource = "ephemeralcontainers" if has_debuggers else ""
            yield asks("UPDATE", form.said, old=old, subresource=subresource), form.findings


@pytest.mark.parametrize("case", REACHABLE)
def test_case(governed: Governed, case: Case) -> None:
    """A fail is refused with 403 and exactly its golden findings; a pass is valid, and its check finds nothing."""
    for request, findings in ways(case):
        assert request.user == BOT, "only agents/bot sends here; use it, or say unreachable: <why>"
        sent = governed.sender.send(request)
        assert sorted(sent.findings(governed.rule_of(case))) == sorted(findings), sent
        if findings:
            assert sent.status == 403, sent
            assert all(finding in sent.message for finding in findings), sent
        else:
            assert _is_judged(sent, request), sent


def _is_judged(sent: Sent, request: Request) -> bool:
    """Say whether admission has seen it: it passes, other checks refuse it, or there is no node to connect to."""
    is_refused_by_us = sent.status == 403 and ".kubescrow.dev" in sent.message
    return sent.status in {200, 201, 202} or is_refused_by_us or request.operation is Operation.CONNECT


@pytest.mark.parametrize(
    ("level", "bundle"),
    [pytest.param("baseline", BASELINE, id="baseline"), pytest.param("restricted", RESTRICTED, id="restricted")],
)
def test_kubernetes_itself_agrees(governed: Governed, level: str, bundle: tuple[Check, ...]) -> None:
    """In a namespace with that Pod Security level the API server refuses the same Pods as our bundle."""
    namespace = f"pod-security-{level}"
    governed.story.cluster.namespace(namespace, labels={"pod-security.kubernetes.io/enforce": level})
    differences = []
    for case in BARE_PODS:
        if "ephemeralContainers" in case.said["spec"]:
            continue
        pod = {**case.said, "metadata": {**case.said["metadata"], "namespace": namespace}}
        status, answer = governed.admin.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
        ours = [check.id for check in bundle if check.findings(Inspection(asks("CREATE", pod)))]
        assert status in {201, 403}, (case.path, answer)
        if (status == 403) is not bool(ours):
            differences.append((case.check, case.sentence, ours, answer.get("message")))
    assert differences == []


def test_a_bad_pod_may_be_labelled(governed: Governed) -> None:
    """Whoever changes its labels does not run it; whoever changes its image does."""
    bad: dict[str, Any] = {
        **POD,
        "spec": {"hostNetwork": True, "containers": [{"name": "api", "image": "registry.example/api:1"}]},
    }
    labelled = {**bad, "metadata": {**bad["metadata"], "labels": {"a": "b"}}}
    assert governed.sender.send(asks("UPDATE", labelled, old=bad)).status == 200
    changed = {**bad, "spec": {**bad["spec"], "containers": [{"name": "api", "image": "registry.example/api:2"}]}}
    assert governed.sender.send(asks("UPDATE", changed, old=bad)).status == 403
