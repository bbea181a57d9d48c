"""A client certificate with the name of a ServiceAccount is not that ServiceAccount: only a token is."""

from __future__ import annotations

import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import APPROVALS, Story, begin, hold, vote

NAMESPACE = "certificate"
ACCOUNTS = ["system:serviceaccounts"]


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """An agent whose creations are held until a certain ServiceAccount decides."""
    story = begin(kubescrow, NAMESPACE)
    named = [{"serviceAccount": {"namespace": "certificate-ops", "name": "robot"}}]
    story.policy(hold("one", operations=["CREATE"], resources=["configmaps"], wait="0s", approvers=named))
    return story


def test_a_certificate_in_our_name_is_not_us(story: Story) -> None:
    """Our ServiceAccount comes with a token; a client certificate of its name writes no status."""
    name = story.asks("create", "-n", NAMESPACE, "configmap", "posing")
    story.reaches(name, "Pending")
    wanted = story.stored(name)
    wanted["status"]["state"] = "Denied"
    posing = story.cluster.user("system:serviceaccount:kubescrow:kubescrow-webhook", groups=ACCOUNTS)
    status, answer = posing.request("PUT", f"{APPROVALS}/{name}/status", wanted)
    assert status == 403, answer


def test_a_certificate_in_the_name_of_a_service_account_does_not_decide(story: Story) -> None:
    """Where a ServiceAccount may decide, only its token does."""
    story.cluster.service_account("certificate-ops", "robot")
    role = ("--clusterrole=kubescrow-approver", "--serviceaccount=certificate-ops:robot")
    story.cluster.admin.ok("create", "clusterrolebinding", "certificate-robot", *role)
    name = story.asks("create", "-n", NAMESPACE, "configmap", "decided")
    posing = story.cluster.user("system:serviceaccount:certificate-ops:robot", groups=ACCOUNTS)
    wait_until(lambda: "cannot" not in posing.run("get", "approval", name).stderr, what="it has its role")
    assert "static token or is impersonated" in posing.fails(*vote(name))
    assert story.decisions(name) == []


def test_an_agents_certificate_is_unbound(story: Story) -> None:
    """An agent is known by its token."""
    posing = story.cluster.user(f"system:serviceaccount:{NAMESPACE}:bot", groups=ACCOUNTS)
    assert "unbound-token" in posing.fails("create", "secret", "generic", "x", "-n", NAMESPACE)
