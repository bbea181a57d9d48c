"""Reads one metric of kube-apiserver."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.controlplane.kubectl import Kubectl


def samples(admin: Kubectl, name: str) -> list[tuple[dict[str, str], float]]:
    """Return the samples called `name`, such as `x_total` or `x_bucket`, each with its labels."""
    status, text = admin.request("GET", "/metrics", headers={"Accept": "text/plain"})
    if status != 200:
        raise AssertionError(f"GET /metrics: {status} {text}")
    # Only the lines of this metric are parsed: there are thousands of others.
    lines = "\n".join(line for line in text.splitlines() if line.startswith(name)) + "\n"
    families = text_string_to_metric_families(lines)
    return [(dict(each.labels), each.value) for family in families for each in family.samples if each.name == name]
