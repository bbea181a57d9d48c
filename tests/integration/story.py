"""The people and things that most integration tests need: an agent with rights, an approver, a policy for it.

Each test module takes a namespace of its own, so that the policies of one do not reach the agents of another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl, Started
from tests.controlplane.waiting import wait_until
from tests.installation import Installation

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
        """Apply the policy of this story's agents, and wait until it is enforced."""
        subjects = [{"serviceAccount": {"namespace": self.namespace, "name": "*"}}]
        self.kubescrow.apply(
            yaml.safe_dump(
                {
                    "apiVersion": "kubescrow.dev/v1alpha1",
                    "kind": "AgentPolicy",
                    "metadata": {"name": self.namespace},
                    "spec": {"subjects": subjects, "rules": list(rules), **spec},
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
                if item["spec"]["requester"]["username"] == user
                and item.get("status", {}).get("state") == "Pending"
            ]

        found = wait_until(pending, what=f"an approval of {self.namespace} is pending")
        assert len(found) == 1, [item["metadata"]["name"] for item in found]
        assert started is None or started.running, started
        return found[0]

    def decide(self, name: str, decision: str = "approved", reason: str = "") -> None:
        """Have the approver decide."""
        more = [f"kubescrow.dev/reason={reason}"] if reason else []
        self.approver.ok("annotate", "approval", name, f"kubescrow.dev/decision={decision}", *more)

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
