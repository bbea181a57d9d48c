"""The masked change as a coloured diff: each line as it is, after `-` for what goes and `+` for what comes.

The text is that of `webhook.approval.change`, to which the approval is bound: no line is left out, moved or rewritten.
Only its layout decides, never what a client wrote: client text stands deeper than the words looked for here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import groupby

from rich.text import Text

from webhook.approval.visible import visible

INLINE = re.compile(r"(  .*: )(\([^()]*\)|\S+)( -> )(\([^()]*\)|\S+)")
"""`  spec.replicas: 3 -> 20`: values on one line have no space, or stand in brackets (`webhook.approval.render`)."""

TOP = re.compile(r"(object|changes|options|target|requester|apiVersion|kind):")


COMPARED_LINES = 200
"""Longest value whose lines are matched one by one, which takes the square of their number; an agent chooses it."""


class Side(StrEnum):
    """What becomes of a line; the value is its sign."""

    SAME = " "
    OLD = "-"
    NEW = "+"
    BOTH = "~"
    """Old and new value in one line."""


STYLES = {Side.SAME: "", Side.OLD: "red", Side.NEW: "green", Side.BOTH: "yellow"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the change, made visible. `is_kept`: it stands in the old and in the new value."""

    side: Side
    text: str
    is_kept: bool = False

    @property
    def sign(self) -> str:
        """What stands before the line, also where there are no colours."""
        return Side.SAME.value if self.is_kept else self.side.value

    def styled(self) -> Text:
        """The line with its sign, in colours."""
        if self.is_kept:
            return Text(f"  {self.text}", style=f"dim {STYLES[self.side]}")
        inline = INLINE.fullmatch(self.text) if self.side is Side.BOTH else None
        shown = Text().append(f"{self.sign} ", style=STYLES[self.side])
        if inline is None:
            return shown.append(self.text, style=STYLES[self.side])
        path, old, arrow, new = inline.groups()
        return shown.append(path).append(old, style=STYLES[Side.OLD]).append(arrow).append(new, style=STYLES[Side.NEW])


def lines(change: str) -> Iterator[Line]:
    """Yield each line of a change with its side; what old and new value have in common is marked as kept."""
    old: list[Line] = []
    for side, run in groupby(_sided(change), key=lambda line: line.side):
        if side is Side.OLD:
            old = list(run)
            continue
        new = list(run)
        yield from _compared(old, new) if old and side is Side.NEW else [*old, *new]
        old = []
    yield from old


def _compared(old: list[Line], new: list[Line]) -> list[Line]:
    """Mark what both values have in common. Every line of both stays: what differs has a sign, so some line has."""
    kept = _kept([line.text for line in old], [line.text for line in new])
    kept_old, kept_new = {place for place, _ in kept}, {place for _, place in kept}
    return [replace(line, is_kept=place in kept_old) for place, line in enumerate(old)] + [
        replace(line, is_kept=place in kept_new) for place, line in enumerate(new)
    ]


def _kept(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Pairs of places of equal lines, in order; the first lines, `old:` and `new:`, are no content."""
    if max(len(old), len(new)) <= COMPARED_LINES:
        blocks = SequenceMatcher(None, old[1:], new[1:], autojunk=False).get_matching_blocks()
        return [(a + n + 1, b + n + 1) for a, b, size in blocks for n in range(size)]
    shorter = min(len(old), len(new)) - 1
    head = next((n for n in range(shorter) if old[n + 1] != new[n + 1]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    return [(n + 1, n + 1) for n in range(head)] + [(len(old) - 1 - n, len(new) - 1 - n) for n in range(tail)]


def _sided(change: str) -> Iterator[Line]:
    """Yield each line with its side."""
    headline, *rest = change.removesuffix("\n").split("\n")
    goes = Side.OLD if headline.startswith("DELETE ") else Side.SAME
    yield Line(goes, visible(headline))
    section, side, in_key = "", Side.SAME, False
    for line in rest:
        if top := TOP.match(line):
            section = top[1]
            side = Side.NEW if section == "object" else Side.SAME
        elif section == "changes":
            side, in_key = _in_changes(line, side, in_key)
        yield Line(side, visible(line))


def _in_changes(line: str, side: Side, in_key: bool) -> tuple[Side, bool]:
    """Say on which side a line of `changes:` is, and whether it belongs to a key of several lines."""
    if line.startswith("  ") and line[2:3] not in {"", " "}:  # a path, or the `:` that ends a key of several lines
        is_key = line.startswith("  ? ")
        return (Side.BOTH if not is_key and INLINE.fullmatch(line) else Side.SAME), is_key
    if in_key or not line:
        return side, in_key
    if line.startswith("    ") and line[4:5] != " ":
        return {"old": Side.OLD, "new": Side.NEW}.get(line[4:].partition(":")[0], side), False
    return side, False
