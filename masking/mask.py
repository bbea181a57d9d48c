"""The masker: what the webhook, the auditsink and the command line call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from masking.channels import Asked
from masking.kinds import body_kinds, subject_kind
from masking.placeholder import MaskingKey, Placeholders
from masking.scanner import Scanner
from masking.structure import Finding, Replace
from masking.walk import Walk

AUDIT = "audit.k8s.io"


@dataclass(frozen=True, slots=True)
class Explained:
    """A masked value and why: one finding for each secret that was replaced."""

    masked: Any
    findings: list[Finding]


class Masker:
    """Finds secrets and replaces them by placeholders of one key.

    Every method returns a copy, leaves its argument alone, accepts any value that a JSON parser can make, and is the
    identity on its own output. Only `fieldsV1` of managed fields, if it holds no secret, is shared with the argument.
    Placeholders of `older` keys are recognised, none are made with them. A secret costs some 0.1 ms.
    """

    def __init__(self, key: MaskingKey, *, older: Iterable[MaskingKey] = ()) -> None:
        self._placeholders = Placeholders(key, older)
        self._scanner = Scanner(self._placeholders)
        self._asked = Asked()

    def mask_object(self, obj: Mapping[str, Any], *, kind: str | None = None, group: str = "") -> dict[str, Any]:
        """Mask one Kubernetes object or list. `kind` is what the caller knows; without it, what the object says."""
        return dict(self._walk().root(obj, kind=kind or "", group=group))

    def mask_patch(self, patch: Any, *, kind: str, group: str = "") -> Any:
        """Mask a patch to an object of this kind: a list is a JSON patch, a dict a merge, strategic or apply patch."""
        return self._walk().root(patch, kind=kind, group=group)

    def mask_event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Mask one audit event of any level.

        Secrets that its bodies showed are masked in its status, annotations and URI too, wherever they are quoted
        there.
        """
        return self._event(event)[0]

    def mask_document(self, document: Any) -> Any:
        """Mask any JSON document: an audit event, an EventList, an object, a list, an AdmissionReview, a JSON patch."""
        return self.explain_document(document).masked

    def mask_text(self, text: str) -> str:
        """Mask what the value rules find in a text: tokens, keys, URLs with passwords, connection strings."""
        return self._walk().whole_text(text)

    def mask_secret_leaves(self, obj: Any, *, kind: str, group: str = "", replace: Replace) -> Any:
        """Copy an object, a list or a patch with `replace(kind of secret, value)` in place of each secret.

        The same walk as `mask_object`. Genuine placeholders in the input stay. For fingerprints,
        `replace=masker.sealed`.
        """
        return self._walk(replace).root(obj, kind=kind, group=group)

    def sealed(self, kind: str, value: str) -> str:
        """Return `hmac-sha256:<64 hex>` of a secret value: a Replace for fingerprints."""
        return self._placeholders.sealed(kind, value)

    def explain_object(self, obj: Mapping[str, Any], *, kind: str | None = None, group: str = "") -> list[Finding]:
        """Return the findings of `mask_object`."""
        walk = self._walk()
        walk.root(obj, kind=kind or "", group=group)
        return walk.findings

    def explain_document(self, document: Any) -> Explained:
        """Return what `mask_document` returns, and the findings."""
        if isinstance(document, Mapping) and str(document.get("apiVersion", "")).startswith(f"{AUDIT}/"):
            items = document.get("items")
            return Explained(*(self._events(document, items) if isinstance(items, list) else self._event(document)))
        walk = self._walk()
        return Explained(walk.root(document, kind=""), walk.findings)

    def _walk(self, replace: Replace | None = None) -> Walk:
        return Walk(self._placeholders, self._scanner, self._asked, replace or self._placeholders.make)

    def _events(self, document: Mapping[str, Any], items: list[Any]) -> tuple[dict[str, Any], list[Finding]]:
        walk = self._walk()
        masked = walk.root({**document, "items": None}, kind="")
        masked["items"] = copies = []
        for index, item in enumerate(items):
            copy, findings = self._event(item) if isinstance(item, Mapping) else (self.mask_document(item), [])
            copies.append(copy)
            walk.findings += [replace(finding, path=f"items[{index}].{finding.path}") for finding in findings]
        return masked, walk.findings

    def _event(self, event: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
        walk = self._walk()
        walk.subject = subject_kind(event)
        bodies: dict[str, Any] = {}
        for body, kind in body_kinds(event).items():
            value = event[body]
            walk.echo(isinstance(value, Mapping) and value.get("kind") == "Status")
            bodies[body] = walk.root(value, kind=kind, where=f"{body} > ")
        walk.echo(True)
        rest = {key: None if key in bodies else value for key, value in event.items()}
        masked: dict[str, Any] = walk.root(rest, kind="Event", group=AUDIT)
        return masked | bodies, walk.findings
