"""The people and things that most integration tests need: an agent with rights, an approver, a policy for it.

Each test module takes a namespace of its own, so that the policies of one do not reach the agents of another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any, TypeVar

import yaml

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl, Started
from tests.controlplane.waiting import wait_until
from tests.installation import Installation

T = TypeVar("T")

APPROVALS = "/apis/kubescrow.dev/v1alpha1/approvals"
NAME = re.compile(r"appr-[0-9a-f]{16}(?:-\d+)?")


@dataclass(frozen=True)
class Story:
    """One agent in a namespace of its own, one approver, and the installation that guards them."""

    kubescrow: Installation
    namespace: str
    agent: Kubectl
    approver: Kubectl

    @property
    def cluster(self) -> ControlPlane:
        """The control plane."""
        return self.kubescrow.cluster

    def policy(self, *rules: dict[str, Any], **spec: Any) -> None:
        """Apply the policy of this story's agents, and wait until it is enforced. Laundering is off by default."""
        subjects = [{"serviceAccount": {"namespace": self.namespace, "name": "*"}}]
        self.kubescrow.apply(
            yaml.safe_dump(
                {
                    "apiVersion": "kubescrow.dev/v1alpha1",
                    "kind": "AgentPolicy",
                    "metadata": {"name": self.namespace},
                    "spec": {
                        "subjects": subjects,
                        "rules": list(rules),
                        **spec,
                        "defaults": {"laundering": "Allow", **spec.get("defaults", {})},
                    },
                }
            )
        )

    def held(self, started: Started | None = None) -> dict[str, Any]:
        """Wait for this agent's one pending Approval and return it."""

        def pending() -> list[dict[str, Any]]:
            user = f"system:serviceaccount:{self.namespace}:bot"
            return [
                item
                for item in self.kubescrow.approvals()
                if item["spec"]["requester"]["username"] == user and item.get("status", {}).get("state") == "Pending"
            ]

        found = wait_until(pending, what=f"an approval of {self.namespace} is pending")
        assert len(found) == 1, [item["metadata"]["name"] for item in found]
        assert started is None or started.running, started
        return found[0]

    def person(self, name: str, *, role: str = "kubescrow-approver", groups: Sequence[str] = ()) -> Kubectl:
        """A person of this story, `name@namespace`, with a ClusterRole; an approver like the first one by default."""
        user = f"{name}@{self.namespace}"
        self.cluster.admin.apply(_binding(f"{self.namespace}-person-{name}".lower(), role, _user(user)))
        return self.cluster.user(user, groups=groups)

    def stored(self, name: str) -> dict[str, Any]:
        """An Approval as the API server has it."""
        status, approval = self.cluster.admin.request("GET", f"{APPROVALS}/{name}")
        assert status == 200, approval
        stored: dict[str, Any] = approval
        return stored

    def decisions(self, name: str) -> list[dict[str, Any]]:
        """The entries of an Approval's signed chain."""
        written = self.stored(name)["metadata"].get("annotations", {}).get("kubescrow.dev/decisions", "[]")
        entries: list[dict[str, Any]] = json.loads(written)
        return entries

    def decide(self, name: str, decision: str = "approved", reason: str = "") -> None:
        """Have the approver decide."""
        more = [f"kubescrow.dev/reason={reason}"] if reason else []
        self.approver.ok("annotate", "approval", name, f"kubescrow.dev/decision={decision}", *more)

    def asks(self, *args: str, stdin: str | None = None) -> str:
        """Have the agent send what is held without waiting; return the name of the approval that it is told."""
        return told(self.agent.fails(*args, stdin=stdin))

    def approve(self, name: str) -> None:
        """Have the approver approve, and wait until that is written down, so that every part has seen it."""
        self.decide(name)
        self.reaches(name, "Approved")

    def mine(self) -> list[dict[str, Any]]:
        """Every Approval of this story's agents, oldest first."""
        user = f"system:serviceaccount:{self.namespace}:"
        return [item for item in self.kubescrow.approvals() if item["spec"]["requester"]["username"].startswith(user)]

    def state(self, name: str) -> str:
        """The written state of an Approval."""
        status = self.cluster.admin.json("get", "approval", name).get("status") or {}
        return str(status.get("state", ""))

    def reaches(self, name: str, state: str) -> None:
        """Wait until an Approval is in this state."""
        wait_until(lambda: self.state(name) == state, what=f"{name} is {state}, it is {self.state(name)}")


def begin(kubescrow: Installation, namespace: str) -> Story:
    """Make a story: the agent is cluster-admin by RBAC, so that what stops it is Kubescrow alone."""
    cluster = kubescrow.cluster
    agent = cluster.service_account(namespace, "bot")
    person = f"approver@{namespace}"
    cluster.admin.apply(_binding(f"{namespace}-agent", "cluster-admin", _account(namespace)))
    cluster.admin.apply(_binding(f"{namespace}-approver", "kubescrow-approver", _user(person)))
    return Story(kubescrow, namespace, agent, cluster.user(person))


def told(answer: object) -> str:
    """Return the name of the approval that a refusal asks for: kubectl's words, or what `request` returned."""
    found = NAME.search(str(answer))
    assert found is not None, answer
    assert f"APPROVAL_REQUIRED approval={found[0]} state=Pending" in str(answer), answer
    return found[0]


def vote(name: str, decision: str = "approved", reason: str | None = None) -> tuple[str, ...]:
    """The kubectl command with which a person decides."""
    more = () if reason is None else (f"kubescrow.dev/reason={reason}",)
    return ("annotate", "approval", name, f"kubescrow.dev/decision={decision}", *more)


def at_once(*calls: Callable[[], T]) -> list[T]:
    """Make all calls at the same moment, each in a thread of its own, and return what they returned, in order."""
    start = Barrier(len(calls))

    def together(call: Callable[[], T]) -> T:
        start.wait()
        return call()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(together, calls))


def hold(name: str = "hold", *, operations: list[str], resources: list[str], groups: list[str] | None = None,
         **terms: Any) -> dict[str, Any]:  # fmt: skip
    """A rule that holds; `terms` as in `spec.rules[].hold`."""
    match = {"operations": operations, "apiGroups": groups or [""], "resources": resources}
    return {"name": name, "match": match, "action": "Hold", "hold": {"wait": "60s", **terms}}


def _binding(name: str, role: str, subject: dict[str, str]) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [subject],
        }
    )


def _account(namespace: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "namespace": namespace, "name": "bot"}


def _user(name: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
