"""Cases as data: `tests/cases/<check>/{pass,fail}/<sentence>.yaml`, with the golden findings of a fail beside it.

A case is a manifest, which is tried as CREATE and as UPDATE; or, with `operation` at its top, one request:

    operation: UPDATE                # CREATE, UPDATE, DELETE, CONNECT
    resource: deployments/scale      # default: the plural of the object's kind; group: default: the object's
    namespace: shop                  # default: the object's; name: the same
    object: {...}                    # left out = null
    oldObject: {...}
    options: {...}
    dryRun: true
    user: {username: jane, groups: [sre], extra: {...}}   # default: the bound ServiceAccount agents/bot
    parameters: {replicas: 20}       # of the check
    serviceAccounts: [agents/worker] # of the policy
    unreachable: why no real API server delivers this; it is judged everywhere else
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.webhook.policy.language import BOT, asks
from webhook.admission.request import Request, User
from webhook.admission.subject import Subject, SubjectKind
from webhook.checks import CHECK_BY_ID
from webhook.checks.inspection import Inspection

ROOT = Path(__file__).parents[2] / "cases"


@dataclass(frozen=True)
class Case:
    """One manifest or request, and the findings it must have; none for a pass."""

    check: str
    sentence: str
    said: dict[str, Any]
    findings: tuple[str, ...]
    path: Path = field(repr=False)

    @property
    def is_manifest(self) -> bool:
        """Whether it is a plain object, else a request."""
        return "operation" not in self.said

    @property
    def unreachable(self) -> str:
        """Why it cannot be sent to a real API server; empty where it can."""
        return str(self.said.get("unreachable", "")) if not self.is_manifest else ""

    def requests(self) -> Iterator[Request]:
        """Every way in which this case can reach us."""
        if not self.is_manifest:
            yield _request(self.said)
        elif "ephemeralContainers" in (self.said.get("spec") or {}):
            yield asks("UPDATE", self.said, subresource="ephemeralcontainers", old={"spec": {}})
        else:
            yield asks("CREATE", self.said)
            yield asks("UPDATE", self.said, old={"spec": {}})

    def found(self) -> Iterator[tuple[str, ...]]:
        """The findings of the check for each of the requests."""
        check = CHECK_BY_ID[self.check]
        said = {} if self.is_manifest else self.said
        model = check.parameters
        parameters = model.model_validate(said.get("parameters", {})) if model else None
        for request in self.requests():
            yield check.findings(Inspection(request, accounts=_accounts(said), parameters=parameters))


def cases(check: str = "*") -> list[Case]:
    """Read all cases of one check, or of all."""
    return [_case(path) for path in sorted(ROOT.glob(f"{check}/*/*.yaml"))]


def _case(path: Path) -> Case:
    golden = path.with_suffix(".txt")
    findings = tuple(golden.read_text().splitlines()) if path.parent.name == "fail" else ()
    sentence = path.stem.replace("-", " ")
    return Case(path.parents[1].name, sentence, yaml.safe_load(path.read_text()), findings, path)


def _request(said: dict[str, Any]) -> Request:
    resource, _, subresource = str(said.get("resource", "")).partition("/")
    user = said.get("user")
    more = {key: said[key] for key in ("group", "namespace", "name", "options") if key in said}
    return asks(
        said["operation"],
        said.get("object"),
        old=said.get("oldObject"),
        resource=resource,
        subresource=subresource,
        dry_run=said.get("dryRun", False),
        user=User(
            user["username"],
            groups=tuple(user.get("groups", ())),
            extra={key: tuple(values) for key, values in user.get("extra", {}).items()},
        )
        if user
        else BOT,
        **more,
    )


def _accounts(said: dict[str, Any]) -> tuple[Subject, ...]:
    split = (account.split("/") for account in said.get("serviceAccounts", ()))
    return tuple(Subject(SubjectKind.SERVICE_ACCOUNT, name, namespace) for namespace, name in split)
