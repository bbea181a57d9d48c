"""Which stretches of a text are secret by their own shape, and the replacing.

All value rules at once; a rule is tried only where one of its needles occurs. Genuine placeholders are opaque: a
span that is one stays, a span that cuts one grows over it.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from masking.placeholder import Placeholders
from masking.rules import RULES, Rule
from masking.structure import Span

SHORTEST = 8  # characters; nothing that a rule finds is shorter: "://:c@"
FORGED = "forged"
OPAQUE = "\ue000"  # a private character: part of any value, begin of none


class Scanner:
    """Applies value rules to texts."""

    def __init__(self, placeholders: Placeholders, needles: Iterable[tuple[str, Rule]] | None = None) -> None:
        rules = (Rule(FORGED, ("masked",), lambda _: ()), *RULES)  # found before all others, see spans
        self._placeholders = placeholders
        self._needles = tuple(needles or ((needle, rule) for rule in rules for needle in rule.needles))

    def narrowed(self, value: Any) -> "Scanner | None":
        """Return a scanner with only the rules that can match anywhere in a value; None if that is none of them.

        Mostly few are left, and most texts then need no look at all: that makes a walk quick.
        """
        try:
            everything = repr(value).lower()
        except (RecursionError, ValueError):  # too deep; an integer too long for text
            return self
        possible = [pair for pair in self._needles if pair[0] in everything]
        return Scanner(self._placeholders, possible) if possible else None

    def spans(self, text: str) -> list[Span]:
        """Return what the rules find in a text; the spans may overlap."""
        if len(text) < SHORTEST:
            return []
        lower = text.lower()
        rules = {rule.id: rule for needle, rule in self._needles if needle in lower}
        if not rules:
            return []
        forged = self._placeholders.forged_in(text)
        text = _blanked(text, sorted((*self._placeholders.genuine_in(text), *forged)))
        found = [Span(start, end, FORGED) for start, end in forged]
        return found + [span for rule in rules.values() for span in rule.find(text)]

    def replaced(self, text: str, spans: Iterable[Span], replace: Callable[[Span, str], str]) -> str:
        """Return the text with each span replaced; overlapping spans become one, of the kind that starts first."""
        genuine = self._placeholders.genuine_in(text)
        parts: list[str] = []
        position = 0
        for span in _merged(spans, genuine):
            parts += [text[position : span.start], replace(span, text[span.start : span.end])]
            position = span.end
        return "".join(parts) + text[position:] if parts else text


def _blanked(text: str, ranges: Iterable[tuple[int, int]]) -> str:
    """Return the text with something in place of placeholders of which no rule matches a part."""
    parts: list[str] = []
    position = 0
    for start, end in ranges:
        parts += [text[position:start], OPAQUE * (end - start)]
        position = end
    return "".join(parts) + text[position:] if parts else text


def _merged(spans: Iterable[Span], genuine: list[tuple[int, int]]) -> list[Span]:
    ends = [end for _, end in genuine]
    whole = [grown for span in spans if (grown := _around(span, genuine, ends)) is not None]
    kept: list[Span] = []
    for span in sorted(whole, key=lambda s: (s.start, -s.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end:
            kept[-1] = Span(kept[-1].start, span.end, kept[-1].kind)
    return kept


def _around(span: Span, genuine: list[tuple[int, int]], ends: list[int]) -> Span | None:
    """Return the span grown over the placeholders that it cuts; None if it is empty or only placeholders."""
    start, end, covered = span.start, span.end, 0
    for index in range(bisect_right(ends, start), len(genuine)):
        first, last = genuine[index]
        if first >= span.end:
            break
        start, end = min(start, first), max(end, last)
        covered += last - first
    if covered == end - start:
        return None
    return Span(start, end, span.kind, span.value if (start, end) == (span.start, span.end) else None)
