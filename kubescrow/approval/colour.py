"""The masked change as a coloured diff: each line as it is, after `-` for what goes and `+` for what comes.

The text is that of `webhook.approval.change`, to which the approval is bound: no line is left out, moved or rewritten.
Only its layout decides, never what a client wrote: client text stands deeper than the words looked for here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rich.text import Text

from webhook.approval.visible import visible

INLINE = re.compile(r"(  .*: )(\([^()]*\)|\S+)( -> )(\([^()]*\)|\S+)")
"""`  spec.replicas: 3 -> 20`: values on one line have no space, or stand in brackets (`webhook.approval.render`)."""

TOP = re.compile(r"(object|changes|options|target|requester|apiVersion|kind):")


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
    """One line of the change, made visible."""

    side: Side
    text: str

    def styled(self) -> Text:
        """The line with its sign, in colours."""
        inline = INLINE.fullmatch(self.text) if self.side is Side.BOTH else None
        shown = Text().append(f"{self.side.value} ", style=STYLES[self.side])
        if inline is None:
            return shown.append(self.text, style=STYLES[self.side])
        path, old, arrow, new = inline.groups()
        return shown.append(path).append(old, style=STYLES[Side.OLD]).append(arrow).append(new, style=STYLES[Side.NEW])


def lines(change: str) -> Iterator[Line]:
    """Yield each line of a change with its side."""
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
