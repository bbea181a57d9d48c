"""The same Pod inside a Deployment and a CronJob: what an agent tries next."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.webhook.checks.cases import Case

Template = dict[str, Any]

_POD_PATH = re.compile(r"(?<= )(?=(?:spec|metadata)\.)")
"""Where a finding about a bare Pod names a field of it."""


def _deployment(template: Template) -> dict[str, Any]:
    template["spec"].pop("restartPolicy", None)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


def _cron_job(template: Template) -> dict[str, Any]:
    template["spec"]["restartPolicy"] = "Never"
    job = {"spec": {"template": template}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"schedule": "0 3 * * *", "jobTemplate": job}}


WRAPPERS: dict[str, tuple[str, Callable[[Template], dict[str, Any]]]] = {
    "Deployment": ("spec.template.", _deployment),
    "CronJob": ("spec.jobTemplate.spec.template.", _cron_job),
}
"""Kind -> where the Pod is in it, and how it is made."""


def forms(case: Case) -> Iterator[Case]:
    """The case itself and, where it is a bare Pod, the same Pod in every wrapper, with the findings it has there."""
    yield case
    if case.is_manifest and case.said.get("kind") == "Pod" and "ephemeralContainers" not in case.said["spec"]:
        for kind in WRAPPERS:
            yield _wrapped(case, kind)


def _wrapped(case: Case, kind: str) -> Case:
    path, make = WRAPPERS[kind]
    metadata = dict(case.said["metadata"])
    outer = {"name": metadata.pop("name"), "namespace": metadata.pop("namespace")}
    labels = {**metadata.pop("labels", {}), "app": "web"}
    wrapper = make({"metadata": {**metadata, "labels": labels}, "spec": dict(case.said["spec"])})
    return replace(
        case,
        sentence=f"{case.sentence}, in a {kind}",
        said={**wrapper, "metadata": outer},
        findings=tuple(_POD_PATH.sub(path, finding) for finding in case.findings),
    )
