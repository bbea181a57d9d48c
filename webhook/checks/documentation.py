"""The page docs/checks.md, made of the docstrings of the checks and their families. Pure.

`python -m webhook.checks.documentation` prints it.

A check is a heading that is its id, so that `checks.md#host-ports` leads to it.
"""

import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby

from webhook.checks import BUNDLES, CHECKS
from webhook.checks.check import SECTIONS, Check, Parameters
from webhook.checks.scope import Scope

_HEAD = """# Built-in checks

<!-- Generated from the docstrings in webhook/checks: change those, then run `make docs`. -->

A rule names one with `check: <id>`, or several with `checks: [<id>, ...]`; a bundle is a name for many. A check finds
nothing, or one line for each violation; the rule's `action` says what follows. Where a rule has no `match`, its checks
see every request that they judge."""

_FAMILIES = {
    "laundering": "Laundering",
    "pod_security": "Pod Security Standards",
    "rbac": "RBAC danger set",
}
"""Package of a family -> its heading."""

_REST = "Others"


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD, *_bundles()]
    for family, checks in groupby(sorted(CHECKS, key=lambda check: (_family(check), check.id)), key=_family):
        parts.extend(_introduction(family))
        for check in checks:
            parts.extend(entry(check))
    return "\n\n".join(parts) + "\n"


def _bundles() -> Iterator[str]:
    yield "## Bundles"
    rows = [f"| `{name}` | {_links(checks)} |" for name, checks in BUNDLES.items() if checks]
    yield "\n".join(["| Bundle | Checks |", "| --- | --- |", *rows])


def _links(checks: Iterable[Check]) -> str:
    return ", ".join(f"[{check.id}](#{check.id})" for check in checks)


def _family(check: Check) -> str:
    """The package that a check lives in."""
    return check.judge.__module__.rpartition(".")[0]


def _introduction(family: str) -> Iterator[str]:
    heading = _FAMILIES.get(family.rpartition(".")[2])
    yield f"## {heading or _REST}"
    if heading:
        text = inspect.getdoc(sys.modules[family]) or ""
        yield escaped(text.partition("\nSource:")[0].strip())


def entry(check: Check) -> Iterator[str]:
    """Give the paragraphs about one check: its heading, what it is for, its points."""
    introduction, *parts = sections(check.documentation)
    judged = "; ".join(_judged(scope) for scope in check.scopes)
    holders = ", ".join(f"`{name}`" for name, checks in BUNDLES.items() if check in checks)
    points = [f"- **{name}** {escaped(text)}" for name, _, text in (part.partition(" ") for part in parts)]
    points.append(f"- **Judges:** {judged}")
    points.extend([f"- **Bundles:** {holders}"] if holders else [])
    points.extend(_parameters(check.parameters))
    yield from (f"### {check.id}", escaped(introduction), "\n".join(points))


def sections(documentation: str) -> list[str]:
    """Cut a docstring before each of its sections; of each part every paragraph and every point of a list is a line."""
    cut = re.split(rf"^(?={'|'.join(map(re.escape, SECTIONS))})", documentation, flags=re.MULTILINE)
    return ["".join(_joined(part)).strip() for part in cut]


def _joined(part: str) -> Iterator[str]:
    for line in map(str.strip, part.splitlines()):
        yield f"\n  {line}" if line.startswith(("* ", "- ")) else f" {line}" if line else ""


def escaped(text: str) -> str:
    """Keep stars outside of code from becoming emphasis; those that begin a point of a list stay."""
    pieces = text.split("`")
    pieces[::2] = [re.sub(r"(?<!\n  )\*", r"\\*", piece) for piece in pieces[::2]]
    return "`".join(pieces)


def _judged(scope: Scope) -> str:
    groups = ", ".join(f"`{group or 'core'}`" for group in scope.api_groups)
    return f"{', '.join(scope.operations)} of {', '.join(f'`{resource}`' for resource in scope.resources)} in {groups}"


def _parameters(model: type[Parameters] | None) -> Iterator[str]:
    for name, field in (model.model_fields if model else {}).items():
        default = "required" if field.is_required() else f"default `{field.get_default(call_default_factory=True)}`"
        yield f"- **Parameter** `{field.alias or name}` ({default}): {inspect.cleandoc(field.description or '')}"


if __name__ == "__main__":
    sys.stdout.write(page())
