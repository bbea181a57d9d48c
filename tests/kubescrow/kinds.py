"""The table of built-in kinds, made of the discovery of a real API server that serves all of them.

    python -m tests.kubescrow.kinds        # writes kubescrow/checking/kinds.tsv

Source: Kubernetes API concepts, "Aggregated discovery"; k8s.io/api/apidiscovery/v2
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubescrow.checking.kinds import TABLE
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl

ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERBS = {"CREATE": {"create"}, "UPDATE": {"update", "patch"}, "DELETE": {"delete", "deletecollection"}}
HEADER = """\
# What Kubernetes {version} has built in. Made by: python -m tests.kubescrow.kinds
# group, resource[/subresource], scope, operations; group, version and kind of the object that is sent
# "-": the core group; the version of the manifest
"""


def rows(admin: Kubectl) -> list[str]:
    """Return one line for each resource that an API server lets write, sorted."""
    found: dict[tuple[str, str], str] = {}
    for path in ("/api", "/apis"):
        status, answer = admin.request("GET", path, headers={"Accept": ACCEPT})
        assert (status, answer["kind"]) == (200, "APIGroupDiscoveryList")
        for group in answer["items"]:
            name = group.get("metadata", {}).get("name", "")
            for version in group["versions"]:
                for resource, row in _of_version(name, version):
                    found.setdefault((name, resource), row)
    return [row for _, row in sorted(found.items())]


def _of_version(group: str, version: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for served in version.get("resources", ()):
        scope = served["scope"].lower()
        for resource, each in ((served["resource"], served), *_below(served)):
            operations = _operations(resource, each)
            if operations:
                sent = each["responseKind"]  # without a version: the group and version that it is listed under
                sent_group = sent.get("group", "") if sent["version"] else group
                kind = (sent_group or "-", sent["version"] or "-", sent["kind"])
                yield resource, "\t".join((group or "-", resource, scope, ",".join(operations), *kind))


def _below(served: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for below in served.get("subresources", ()):
        yield f"{served['resource']}/{below['subresource']}", below


def _operations(resource: str, served: dict[str, Any]) -> list[str]:
    """What admission is asked about; a subresource that takes options is connected to."""
    if "/" in resource and served["responseKind"]["kind"].endswith("Options"):
        return ["CONNECT"]
    return [operation for operation, verbs in VERBS.items() if verbs & set(served["verbs"])]


def main() -> None:
    """Write the table."""
    flags = ("--runtime-config=api/all=true", "--feature-gates=AllAlpha=true,AllBeta=true")
    with ControlPlane(apiserver_flags=flags) as cluster:
        text = HEADER.format(version=cluster.version) + "\n".join(rows(cluster.admin)) + "\n"
    TABLE.write_text(text)


if __name__ == "__main__":
    main()
