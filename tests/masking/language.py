"""The two-word test language of the case files: `masks` (in, out) and `stays` (in).

A case file `cases/<id>.yaml` belongs to one channel or value rule. In `out`, `<<kind|secret>>` stands for the
placeholder of a secret; a bar-less `<<secret>>` has the file's id as its kind. `~~` is removed everywhere: it
splits tokens of well-known shape, so that no scanner takes a test for a leak.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from masking import Masker, MaskingKey
from masking.placeholder import Placeholders

CASES = Path(__file__).parent / "cases"
KEY = MaskingKey(id="k1a2", secret=b"a masking key for tests, 32 bytes")
MASKER = Masker(KEY)
_PLACEHOLDERS = Placeholders(KEY)
_MARK = re.compile(r"<<(?:([a-z0-9-]+)\|)?(.*?)>>", re.DOTALL)


@dataclass(frozen=True)
class Case:
    """One row of a case file."""

    id: str
    sentence: str
    form: str  # object, patch, event, document or text
    kind: str
    given: Any
    expected: Any

    @property
    def is_masking(self) -> bool:
        """Whether the case expects a change."""
        return bool(self.given != self.expected)


def placeholder(kind: str, secret: str) -> str:
    """Return what stands for a secret under the tests' key."""
    return _PLACEHOLDERS.make(kind, secret)


def masked(case: Case) -> Any:
    """Return what the masker makes of a case."""
    match case.form:
        case "text":
            return MASKER.mask_text(case.given)
        case "event":
            return MASKER.mask_event(case.given)
        case "document":
            return MASKER.mask_document(case.given)
        case "patch":
            return MASKER.mask_patch(case.given, kind=case.kind)
        case _:
            return MASKER.mask_object(case.given, kind=case.kind or None)


def cases() -> list[Case]:
    """Return all cases of all files."""
    return [case for path in sorted(CASES.glob("*.yaml")) for case in _of(path)]


def _of(path: Path) -> list[Case]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    rows = [*content["masks"], *content["stays"]]
    return [
        Case(
            id=path.stem,
            sentence=row["case"],
            form=row.get("form", content.get("form", "object")),
            kind=row.get("kind", ""),
            given=_each(row["in"], lambda text: text.replace("~~", "")),
            expected=_each(row.get("out", row["in"]), lambda text: _expanded(path.stem, text.replace("~~", ""))),
        )
        for row in rows
    ]


def _expanded(default: str, text: str) -> str:
    inside = text.lstrip().startswith("{") and "\\" in text  # JSON in a string: the secret is written escaped there

    def replace(match: re.Match[str]) -> str:
        secret = json.loads(f'"{match[2]}"') if inside else match[2]
        return placeholder(match[1] or default, secret)

    return _MARK.sub(replace, text)


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key) if isinstance(key, str) else key: _each(item, change) for key, item in value.items()}
    return [_each(item, change) for item in value] if isinstance(value, list) else value
