"""What a new agent may do: little, and exactly what is written."""

from __future__ import annotations

from typing import Any

from kubescrow.agent.identity import service_account
from kubescrow.agent.roles import NARROW, described, is_same, objects

BOT = service_account("agents", "bot")


def made(*roles: str, places: tuple[str, ...] = ("agents",)) -> dict[str, dict[str, Any]]:
    """What is created, by its description."""
    return {described(each): each for _, each in objects(BOT, roles=roles, namespaces=places)}


def test_an_agent_gets_an_account_a_narrow_role_and_the_right_to_read_its_approvals() -> None:
    """All in its own namespace, but for the approvals, which lie in none."""
    assert list(made()) == [
        "ServiceAccount bot in agents",
        "Role kubescrow-agent:agents:bot in agents",
        "RoleBinding kubescrow-agent:agents:bot in agents -> Role kubescrow-agent:agents:bot",
        "ClusterRoleBinding kubescrow-agent:agents:bot -> ClusterRole kubescrow-agent",
    ]


def test_the_narrow_role_reads_and_shows_no_secret() -> None:
    """No write, no wildcard, no Secret, no exec, no token."""
    verbs = {verb for rule in NARROW for verb in rule["verbs"]}
    resources = {resource for rule in NARROW for resource in rule["resources"]}
    assert verbs == {"get", "list", "watch"}
    assert not resources & {"secrets", "configmaps", "pods/exec", "serviceaccounts/token", "*"}


def test_other_roles_stand_in_its_place_in_each_namespace() -> None:
    """Each with a binding of its own, because a binding cannot be turned to another role."""
    assert [each for each in made("edit", "view", places=("a", "b")) if each.startswith("RoleBinding")] == [
        "RoleBinding kubescrow-agent:agents:bot:edit in a -> ClusterRole edit",
        "RoleBinding kubescrow-agent:agents:bot:view in a -> ClusterRole view",
        "RoleBinding kubescrow-agent:agents:bot:edit in b -> ClusterRole edit",
        "RoleBinding kubescrow-agent:agents:bot:view in b -> ClusterRole view",
    ]


def test_what_gives_other_rights_is_not_the_same() -> None:
    """A Role of our name that somebody widened is told, not trusted."""
    role = made()["Role kubescrow-agent:agents:bot in agents"]
    assert is_same({**role, "metadata": {"uid": "x"}}, role)
    assert not is_same(
        {**role, "rules": [*NARROW, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}, role
    )
