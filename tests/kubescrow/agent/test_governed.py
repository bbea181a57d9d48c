"""The list of agents: every ServiceAccount that a policy names, and every entry that names something else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubescrow.agent.governed import Agent, account_user, agents, governed_by
from kubescrow.agent.identity import identity
from kubescrow.agent.lock import lock_policy
from tests.kubescrow.approval.stored import NOW, after, shown
from webhook.approval.lifecycle import State

ACCOUNTS = [("agents", "bot"), ("agents", "human-tool"), ("prod", "default")]


def policy(name: str, *subjects: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """An AgentPolicy as stored."""
    return {"metadata": {"name": name}, "spec": {"subjects": list(subjects), **spec}}


def account(namespace: str, name: str) -> dict[str, Any]:
    """A ServiceAccount as a policy writes it."""
    return {"serviceAccount": {"namespace": namespace, "name": name}}


ALL = policy("all", account("agents", "*"), {"group": "bots"}, excludeSubjects=[account("agents", "human-tool")])
WATCHED = policy("watched", {"group": "system:serviceaccounts:prod"}, mode="Observe")
BROKEN = policy("broken", account("agents", "bot"), rules=[{"name": "x", "action": "Deny", "condition": "1 +"}])
LOCK = lock_policy(identity("agents/bot", namespace="", user="", group=""), by="alice", reason="")


def listed(*policies: dict[str, Any]) -> dict[str, Agent]:
    """The list by what it calls each agent."""
    other = shown(state="Used")
    later = replace(other.approval.spec, requested_at=after(60))
    seen = [shown(), replace(other, approval=replace(other.approval, spec=later))]
    return {agent.identity.text: agent for agent in agents(policies, ACCOUNTS, seen, now=NOW)}


def test_accounts_come_by_name_glob_and_group_and_go_by_exclusion() -> None:
    """As the webhook would judge them."""
    found = listed(ALL, WATCHED)
    assert list(found) == ["ServiceAccount agents/bot", "ServiceAccount prod/default", "group bots"]
    assert [agent.policies for agent in found.values()] == [("all",), ("watched",), ("all",)]
    assert [agent.observed_only for agent in found.values()] == [False, True, False]


def test_what_an_agent_asked_for_is_counted_and_dated() -> None:
    """So that one sees which agents are awake."""
    bot = listed(ALL)["ServiceAccount agents/bot"]
    assert bot.asked == {State.PENDING: 1, State.USED: 1}
    assert bot.last_asked == after(60)


def test_a_lock_is_told_and_so_is_one_that_is_not_enforced_yet() -> None:
    """Nobody should believe that an agent is stopped before it is."""
    enforced = {"type": "Enforced", "status": "True", "reason": "Registered", "observedGeneration": 1}
    stands = {**LOCK, "metadata": {**LOCK["metadata"], "generation": 1}, "status": {"conditions": [enforced]}}
    assert listed(ALL, LOCK)["ServiceAccount agents/bot"].lock == "locking"
    assert (
        listed(ALL, stands | {"status": {"conditions": [{**enforced, "lastTransitionTime": "t"}]}})[
            "ServiceAccount agents/bot"
        ].lock
        == "locked"
    )
    assert listed(ALL)["ServiceAccount agents/bot"].lock == ""


def test_a_policy_that_does_not_compile_names_its_subjects_too() -> None:
    """Its subjects are denied everything."""
    assert listed(BROKEN)["ServiceAccount agents/bot"].policies == ("broken",)
    assert governed_by([ALL, BROKEN], account_user("agents", "bot")) == ("all", "broken")
    assert governed_by([ALL], account_user("agents", "human-tool")) == ()
