"""Locks and unlocks an agent on a cluster, and waits until a lock is enforced."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from kubescrow.agent.identity import Identity
from kubescrow.agent.lock import differences, enforced_since, is_lock_of, lock_policy, names_only
from kubescrow.approval.asking import equals
from webhook.cluster.client import Cluster
from webhook.cluster.errors import AlreadyExists, ClusterError, Conflict, NotFound
from webhook.cluster.names import APPROVALS, POLICIES

PAUSE_S = 0.1

ATTEMPTS = 10
"""The webhook writes the status of a policy some milliseconds after each change: a second try always comes after it."""


class NotALock(ClusterError):
    """A policy of the lock's name exists and is something else."""

    def __init__(self, whom: Identity) -> None:
        words = f"AgentPolicy {whom.lock_name} exists and is not the lock of {whom.text}; look at it, then delete it"
        super().__init__(words, words=words)


@dataclass(frozen=True, slots=True)
class Locked:
    """A lock that was written. `enforced_at` is None if that was not seen within the time; `took_s` since the command.

    `weakened` are fields of the stored policy that are not as they were sent: then it is not enforced as a lock.
    """

    policy: str
    enforced_at: str | None
    weakened: list[str]
    took_s: float
    was_there: bool
    open_approvals: int | None


async def lock(cluster: Cluster, whom: Identity, *, by: str, reason: str, timeout_s: float) -> Locked:
    """Write the policy, as it must be whatever stands there now, and wait until it is enforced.

    Raises:
        ClusterError: it could not be written.
    """
    began = time.monotonic()
    was_there = await _write(cluster, whom, by=by, reason=reason)
    enforced_at, weakened = await _enforced(cluster, whom, until=began + timeout_s)
    took_s = time.monotonic() - began
    return Locked(whom.lock_name, enforced_at, weakened, took_s, was_there, await open_approvals(cluster, whom))


async def _enforced(cluster: Cluster, whom: Identity, *, until: float) -> tuple[str | None, list[str]]:
    """Read the policy back until it is enforced: since when, and what of it is weaker than it was sent."""
    wanted = lock_policy(whom, by="", reason="")
    while True:
        stored = await cluster.get(f"{POLICIES}/{whom.lock_name}")
        if weakened := differences(stored, wanted):
            return None, weakened
        enforced_at = enforced_since(stored)
        if enforced_at is not None or time.monotonic() >= until:
            return enforced_at, []
        await asyncio.sleep(PAUSE_S)


async def unlock(cluster: Cluster, whom: Identity) -> bool:
    """Remove the lock; say whether there was one.

    Raises:
        ClusterError: it could not be removed, or is none.
    """
    path = f"{POLICIES}/{whom.lock_name}"
    try:
        stored = await cluster.get(path)
        if not is_lock_of(stored, whom):
            raise NotALock(whom)
        await cluster.delete(path, options={"preconditions": {"uid": stored["metadata"]["uid"]}})
    except NotFound as err:
        if err.words and "not found" not in err.words:
            raise  # there are no AgentPolicies at all
        return False
    return True


async def open_approvals(cluster: Cluster, whom: Identity) -> int | None:
    """Count the approvals of a user that are pending or approved; None = that could not be asked."""
    if not whom.username:
        return None
    selector = ",".join(
        [equals("spec.requester.username", whom.username)]
        + [f"status.state!={state}" for state in ("Denied", "Expired", "Used", "Revoked", "Superseded")]
    )
    try:
        return len(await cluster.list_all(APPROVALS, query={"fieldSelector": selector}))
    except ClusterError:
        return None


async def _write(cluster: Cluster, whom: Identity, *, by: str, reason: str) -> bool:
    """Create the policy, or put back what somebody made of it; say whether it was there."""
    wanted = lock_policy(whom, by=by, reason=reason)
    path = f"{POLICIES}/{whom.lock_name}"
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await cluster.create(POLICIES, wanted)
            return False
        except AlreadyExists:
            pass
        try:
            stored = await cluster.get(path)
            if not names_only(stored, whom):
                raise NotALock(whom)
            await cluster.replace(path, _over(stored, wanted, reason))
            return True
        except (Conflict, NotFound):  # its status was just written, or somebody unlocks it
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _over(stored: dict[str, Any], wanted: dict[str, Any], reason: str) -> dict[str, Any]:
    """What to write over a lock: as wanted, but who locked first and why stays unless there is a new reason."""
    metadata = {**wanted["metadata"], "resourceVersion": stored["metadata"]["resourceVersion"]}
    spec = wanted["spec"]
    if not reason and stored["metadata"].get("annotations"):
        metadata["annotations"] = stored["metadata"]["annotations"]
        spec = {**spec, "rules": _same_message(spec["rules"], stored["spec"].get("rules"))}
    return {**wanted, "metadata": metadata, "spec": spec}


def _same_message(wanted: list[dict[str, Any]], stored: Any) -> list[dict[str, Any]]:
    """The rules with the messages they had, if that is all that differs: anything else that was changed goes."""
    old = [rule for rule in stored if isinstance(rule, dict)] if isinstance(stored, list) else []
    if [{**rule, "message": ""} for rule in old] != [{**rule, "message": ""} for rule in wanted]:
        return wanted
    return [{**rule, "message": before.get("message")} for rule, before in zip(wanted, old, strict=True)]
