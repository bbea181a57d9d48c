"""Cases as data: `tests/cases/<check>/{pass,fail}/<sentence>.yaml`, with the golden findings of a fail beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.webhook.policy.language import asks
from webhook.admission.request import Request

ROOT = Path(__file__).parents[2] / "cases"


@dataclass(frozen=True)
class Case:
    """One manifest and the findings it must have; none for a pass."""

    check: str
    sentence: str
    manifest: dict[str, Any]
    findings: tuple[str, ...]

    def requests(self) -> Iterator[Request]:
        """Every way in which this manifest can reach us."""
        if "ephemeralContainers" in self.manifest.get("spec", {}):
            yield asks("UPDATE", self.manifest, subresource="ephemeralcontainers", old={"spec": {}})
            return
        yield asks("CREATE", self.manifest)
        yield asks("UPDATE", self.manifest, old={"spec": {}})


def cases(check: str = "*") -> list[Case]:
    """Read all cases of one check, or of all."""
    return [_case(path) for path in sorted(ROOT.glob(f"{check}/*/*.yaml"))]


def _case(path: Path) -> Case:
    golden = path.with_suffix(".txt")
    findings = tuple(golden.read_text().splitlines()) if path.parent.name == "fail" else ()
    sentence = path.stem.replace("-", " ")
    return Case(path.parents[1].name, sentence, yaml.safe_load(path.read_text()), findings)
