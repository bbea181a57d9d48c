"""One judged document, as people and programs read it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubescrow.manifests.objects import Place
from webhook.admission.request import Request
from webhook.admission.verdict import Action, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """One object, the request that it was judged as, and what came of it; `notes` say what is uncertain."""

    place: Place
    request: Request
    verdict: Verdict
    notes: tuple[str, ...] = ()

    @property
    def is_stopped(self) -> bool:
        """Whether it would not simply pass."""
        return self.verdict.action >= Action.HOLD


def word(action: Action) -> str:
    """Name an action as policies do: Allow, Warn, Hold, Deny."""
    return action.name.capitalize()


def lines(judged: Judged) -> Iterator[tuple[Action, str]]:
    """Yield a line for each finding: where, what comes of it, the request, the rule, why."""
    request = judged.request
    for finding in judged.verdict.findings:
        what = f"{word(finding.action)} {request.operation.value} {request.target}"
        yield finding.action, f"{judged.place}: {what}: {finding.rule_path}: {finding.message}"


def as_json(judged: Judged) -> dict[str, Any]:
    """Write it for programs; `item` is empty unless the document is a list."""
    place, request = judged.place, judged.request
    return {
        "file": place.file,
        "document": place.document,
        "line": place.line,
        "item": place.item,
        "verdict": word(judged.verdict.action),
        "operation": request.operation.value,
        "group": request.resource.group,
        "resource": request.resource_path,
        "namespace": request.lies_in,
        "name": request.object_name,
        "user": request.user.username,
        "findings": [
            {
                "policy": finding.policy,
                "rule": finding.rule,
                "check": finding.check,
                "action": word(finding.action),
                "message": finding.message,
            }
            for finding in judged.verdict.findings
        ],
        "notes": list(judged.notes),
    }
