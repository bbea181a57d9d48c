"""Metrics are read by whoever Kubernetes lets read them, asked by TokenReview and SubjectAccessReview."""

from __future__ import annotations

import ssl

import httpx
import pytest

from tests.controlplane.waiting import wait_until
from tests.installation import Installation
from tests.integration.story import Story, begin

NAMESPACE = "metrics"
READER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: metrics-reader}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
"""


@pytest.fixture(scope="module")
def story(kubescrow: Installation) -> Story:
    """Any agent."""
    story = begin(kubescrow, NAMESPACE)
    story.policy({"name": "no-privileged-pods", "check": "privileged-containers", "action": "Deny"})
    return story


def read(kubescrow: Installation, token: str | None) -> httpx.Response:
    """Ask for the metrics with a token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    tls = ssl.create_default_context(cadata=kubescrow.ca_pem())
    return httpx.get(f"https://localhost:{kubescrow.port}/metrics", headers=headers, verify=tls)


def test_a_token_with_the_right_reads_them(story: Story) -> None:
    """As with every component of Kubernetes; the policies and approvals are counted."""
    scraper = story.cluster.service_account("metrics-scraper", "scraper")
    story.cluster.admin.apply(READER)
    role = ("--clusterrole=metrics-reader", "--serviceaccount=metrics-scraper:scraper")
    story.cluster.admin.ok("create", "clusterrolebinding", "metrics-reader", *role)
    wait_until(lambda: read(story.kubescrow, scraper.token).status_code == 200, what="the role is in force")
    assert 'kubescrow_webhook_policies{compiled="yes"}' in read(story.kubescrow, scraper.token).text
    pending = 'kubescrow_webhook_approvals{state="Pending"}'
    wait_until(lambda: pending in read(story.kubescrow, scraper.token).text, what="the approvals are counted")


@pytest.mark.parametrize("token", [None, "no.such.token"], ids=["without one", "a wrong one"])
def test_without_a_good_token_they_are_not_shown(story: Story, token: str | None) -> None:
    """401, and not a word of them."""
    answer = read(story.kubescrow, token)
    assert (answer.status_code, "kubescrow_" in answer.text) == (401, False)


def test_a_token_without_the_right_reads_nothing(story: Story) -> None:
    """To be somebody is not enough."""
    nobody = story.cluster.service_account("metrics-scraper", "nobody")
    assert read(story.kubescrow, nobody.token).status_code == 401
