"""Every case of every check, through `kubescrow policy check`: a pass is 0, a fail is 1 and has its golden text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.kubescrow.typed import kubescrow
from tests.webhook.checks.cases import Case, cases
from tests.webhook.checks.governing import policy_of
from webhook.policy.fields import Default
from webhook.policy.spec import Defaults

CASES = [pytest.param(case, id=f"{case.check}: {case.sentence}") for case in cases()]


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_the_exit_code_of_its_folder(case: Case, tmp_path: Path) -> None:
    """Judged by a policy that has only this check; a manifest as it lies there, a request as the review of it."""
    policies = tmp_path / "policies.yaml"
    policies.write_text(yaml.safe_dump(_policy(case)))
    sent = ["--as", _user(case), str(case.path)] if case.is_manifest else [_review(case, tmp_path)]
    result = kubescrow("policy", "check", "--policies", str(policies), "-o", "json", *sent)
    (document,) = map(json.loads, result.stdout.splitlines())
    ours = [finding["message"] for finding in document["findings"] if finding["policy"] == "p"]
    assert (sorted(ours), result.exit_code) == (sorted(case.findings), 1 if case.findings else 0), result.output


def _policy(case: Case) -> dict[str, Any]:
    """Write the policy; what is on by default is off, so that the check speaks alone."""
    written = policy_of(case)
    fields = Defaults.model_fields.items()
    written["spec"]["defaults"] = {
        field.alias or name: "Allow" for name, field in fields if field.annotation is Default
    }
    return written


def _user(case: Case) -> str:
    return next(case.requests()).user.username


def _review(case: Case, folder: Path) -> str:
    """Write the request of a case as the AdmissionReview of it."""
    request = next(case.requests())
    kind, resource = request.kind, request.resource
    wire = {
        "uid": "1",
        "kind": {"group": kind.group, "version": kind.version, "kind": kind.kind or "Unknown"},
        "resource": {"group": resource.group, "version": resource.version, "resource": resource.resource},
        "subResource": request.subresource,
        "namespace": request.namespace,
        "name": request.name,
        "operation": request.operation.value,
        "object": request.object,
        "oldObject": request.old_object,
        "options": request.options,
        "dryRun": request.dry_run,
        "userInfo": {
            "username": request.user.username,
            "groups": list(request.user.groups),
            "extra": {key: list(values) for key, values in request.user.extra.items()},
        },
    }
    path = folder / "review.json"
    path.write_bytes(orjson.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": wire}))
    return str(path)
