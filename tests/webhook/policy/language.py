"""A tiny language for tests: who asks what, and what a policy says, in one line each."""

from __future__ import annotations

from typing import Any

from webhook.admission.request import CREDENTIAL_ID, Kind, Operation, Request, Resource, User
from webhook.admission.verdict import Verdict
from webhook.policy.compile import PolicySet, compile_set
from webhook.policy.evaluate import evaluate
from webhook.policy.protection import Protected

BOT = User("system:serviceaccount:agents:bot", extra={CREDENTIAL_ID: ("JTI=1",)})
HUMAN = User("jane", groups=("sre", "system:authenticated"))
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "agents"}}


def asks(
    operation: str,
    obj: Any = None,
    *,
    resource: str = "",
    subresource: str = "",
    group: str | None = None,
    namespace: str | None = None,
    name: str | None = None,
    old: Any = None,
    user: User = BOT,
    **more: Any,
) -> Request:
    """Make the request that a write of this object is; resource, group, name and namespace are the object's own."""
    source: dict[str, Any] = obj if isinstance(obj, dict) else old if isinstance(old, dict) else {}
    metadata: Any = source.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    api_group, _, version = str(source.get("apiVersion", "v1")).rpartition("/")
    kind = str(source.get("kind", ""))
    group = api_group if group is None else group
    name = metadata.get("name", "") if name is None else name
    namespace = metadata.get("namespace", "") if namespace is None else namespace
    plural = resource or kind.lower() + "s"
    wire = {
        "operation": operation,
        "resource": {"group": group, "version": version, "resource": plural},
        "name": name,
        "namespace": namespace,
        "object": obj,
        "oldObject": old,
    }
    return Request(
        uid="1",
        operation=Operation(operation),
        kind=Kind(group, version, kind),
        resource=Resource(group, version, plural),
        user=user,
        subresource=subresource,
        namespace=namespace,
        name=name,
        object=obj,
        old_object=old,
        wire={**wire, "userInfo": {"username": user.username}},
        **more,
    )


def policy(*rules: dict[str, Any], name: str = "p", **spec: Any) -> dict[str, Any]:
    """Write a policy for the ServiceAccounts of namespace agents; keywords are fields of the spec.

    The checks of laundering are off unless a test says otherwise.
    """
    subjects = [{"serviceAccount": {"namespace": "agents", "name": "*"}}]
    return {
        "apiVersion": "kubescrow.dev/v1alpha1",
        "kind": "AgentPolicy",
        "metadata": {"name": name, "uid": f"uid-{name}", "generation": 1},
        "spec": {
            "subjects": subjects,
            "rules": list(rules),
            **spec,
            "defaults": {"laundering": "Allow", **spec.get("defaults", {})},
        },
    }


def rule(action: str = "Deny", **fields: Any) -> dict[str, Any]:
    """Write a rule."""
    return {"name": "r", "action": action, **fields}


def judged(request: Request, *policies: dict[str, Any]) -> Verdict:
    """Judge a request by these policies, and by the always-on rules; each policy must compile."""
    policy_set: PolicySet = compile_set(policies)
    assert not policy_set.broken, [str(problem) for broken in policy_set.broken for problem in broken.problems]
    return evaluate(request, policy_set, protected=Protected())


def found(verdict: Verdict) -> list[str]:
    """Return what a verdict found: `ACTION policy/rule`, in its order."""
    return [f"{finding.action.name} {finding.rule_path}" for finding in verdict.findings]
