"""The one walk over a value: it copies, asks the channels at each field, and scans every other string.

Iterative, so that no nesting can exhaust the stack; one `Replace` says what stands in the place of a secret, so that
placeholders and the HMACs of a fingerprint come from the same reading.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from masking.channels import AT_ROOT, Asked
from masking.decode import json_decoded, json_encoded
from masking.kinds import place_of
from masking.patch import masked_at, masked_operation
from masking.placeholder import Placeholders
from masking.scanner import Scanner
from masking.structure import DEEPEST, PASS, Finding, Place, Replace, Span, canonical, rendered

NESTED_DOCUMENTS = 4  # an annotation with an object with an annotation ...; beyond, the text is masked as a whole
MOST_ECHO = 100_000_000  # secrets x characters: some 50 ms of looking; a text beyond is masked as a whole
REPEATED = 8  # walks; two are enough for what has been seen
SHORTEST_ECHO = 8  # characters; a shorter secret may be an ordinary word of an error text
LONGEST_PLAIN_KEY = 20  # characters; a field name that is a secret by its shape is longer

SCALARS = frozenset((int, bool, float, type(None)))

Frame = tuple[Any, Any, Any, Place]  # container of the copy, key or index in it, value, place of the value


class Walk:
    """One walk: the findings it made, and the secrets it saw (to find them again in error texts)."""

    def __init__(self, placeholders: Placeholders, scanner: Scanner, asked: Asked, replace: Replace) -> None:
        self.findings: list[Finding] = []
        self.subject = ""  # the kind of object that an audit event is about
        self._echoed: dict[str, tuple[str, str]] = {}  # secrets to look for in every text
        self._placeholders, self._asked, self._replace = placeholders, asked, replace
        self._all = scanner
        self._scanner: Scanner | None = scanner  # narrowed to what can match in the value at hand
        self._seen: dict[str, tuple[str, str]] = {}  # as written -> kind, secret
        self._nested = self._repeated = 0
        self._entangled = False  # a text had more than one span

    def root(self, value: Any, *, kind: str, group: str = "", where: str = "") -> Any:
        """Mask a whole object or patch from its root."""
        outer, seen = self._scanner, len(self.findings)
        self._scanner = self._all.narrowed(value)
        try:
            masked = self.patch(value, Place((), kind, group, where=where))
        finally:
            self._scanner = outer
        again = not self._nested and self._is_unsettled(seen)
        return self.root(masked, kind=kind, group=group, where=where) if again else masked

    def whole_text(self, text: str) -> str:
        """Mask a text that stands alone."""
        seen = len(self.findings)
        masked = self.text(text, Place((), ""))
        return self.whole_text(masked) if self._is_unsettled(seen) else masked

    def echo(self, on: bool) -> None:
        """From now on, look for the secrets seen so far in every text, or do not."""
        self._echoed = self._seen.copy() if on else {}

    def patch(self, value: Any, place: Place) -> Any:
        """Mask a patch to an object of the place's kind: a list is a JSON patch, all else has the object's own form."""
        if not isinstance(value, list | tuple):
            return masked_at(value, (), place, self._ask, self._ordinary)
        places = (place._replace(where=f"{place.where}[{index}] ") for index in range(len(value)))
        return [masked_operation(item, at, self._ask, self._ordinary) for item, at in zip(value, places, strict=True)]

    def secret(self, value: Any, place: Place, kind: str, *, plain: str | None = None) -> Any:
        """Mask the whole value; `plain` is the secret that it encodes. null and "" hold nothing and stay."""
        if value is None or (isinstance(value, str | list | tuple | Mapping) and not value):
            return value
        written = value if isinstance(value, str) else canonical(value)
        if self._placeholders.is_genuine(written):
            return written
        return self._replaced(place, kind, written, plain)

    def text(self, text: str, place: Place, spans: Iterable[Span] = ()) -> str:
        """Mask these spans and whatever the value rules find."""
        found = [*spans, *self._spans(text), *self._echoes(text)]
        if not found:
            return text
        self._entangled = self._entangled or len(found) > 1
        return self._all.replaced(text, found, lambda span, value: self._replaced(place, span.kind, value, span.value))

    def spans(self, text: str) -> list[Span]:
        """Return what the value rules find in a text that a channel decoded."""
        return self._all.spans(text)

    def document(self, text: str, place: Place, kind: str) -> str:
        """Mask a JSON document of one object inside a text; what is no JSON is masked as a whole."""
        seen = len(self.findings)
        self._nested += 1
        try:
            if self._nested > NESTED_DOCUMENTS:
                return str(self.secret(text, place, kind))
            was = json_decoded(text)
            where = f"{place.where}{rendered(place.path)} > "
            masked = self.root(was, kind=place.kind, group=place.group, where=where)
            return json_encoded(masked, like=text, was=was) if len(self.findings) > seen else text
        except ValueError:
            return str(self.secret(text, place, kind))
        finally:
            self._nested -= 1

    def _ask(self, value: Any, place: Place) -> Any:
        """Return what the first channel that applies makes of a value, or PASS."""
        at_root = AT_ROOT.get(place.kind, ()) if len(place.path) == place.base + 1 else ()
        for channel in (*at_root, *self._asked.channels(str(place.path[-1]))):
            if channel.applies(place):
                masked = channel.treat(self, value, place)
                if masked is not PASS:
                    return masked
        return PASS

    def _ordinary(self, value: Any, place: Place) -> Any:
        """Walk on from a place as if no channel had been asked about it."""
        top: list[Any] = [None]
        todo: list[Frame] = [(top, 0, value, place)]
        while todo:
            into, slot, item, at = todo.pop()
            if type(item) in SCALARS:
                into[slot] = item
            elif len(at.path) > DEEPEST:
                into[slot] = self.secret(item, at, "depth")
            elif isinstance(item, str):
                into[slot] = self.text(item, at)
            elif isinstance(item, list | tuple):
                into[slot] = self._elements(item, at, todo)
            else:
                into[slot] = self._fields(item, at, todo) if isinstance(item, Mapping) else item
        return top[0]

    def _elements(self, value: Sequence[Any], place: Place, todo: list[Frame]) -> list[Any]:
        """Return the copy of a list, and add what is left to do for it."""
        copy = list(value)
        frames = [(copy, i, item, place.below(i)) for i, item in enumerate(value) if type(item) not in SCALARS]
        todo.extend(reversed(frames))
        return copy

    def _fields(self, value: Mapping[Any, Any], place: Place, todo: list[Frame]) -> dict[Any, Any]:
        """Return the copy of a mapping, and add what is left to do for it. Quick: all traffic passes here."""
        if "kind" in value:
            place = place_of(value, place)
        path, kind, group, base, where = place[:5]
        at_root = kind in AT_ROOT and len(path) == base
        scanned, known = bool(self._echoed) or self._scanner is not None, self._asked.known
        copy: dict[Any, Any] = {}
        first = len(todo)
        for key, item in value.items():
            name = key if isinstance(key, str) else str(key)
            shown = self._key(name, place, copy) if scanned and len(name) > LONGEST_PLAIN_KEY else key
            if at_root or known.get(name) != ():
                masked = self._ask(item, Place((*path, name), kind, group, base, where, value))
                if masked is not PASS:
                    copy[shown] = masked
                    continue
            copy[shown] = item
            if isinstance(item, str):
                if scanned and (self._echoed or self._spans(item)):
                    copy[shown] = self.text(item, place.below(name))
            elif type(item) not in SCALARS and not (key == "fieldsV1" and self._is_clean(item)):
                todo.append((copy, shown, item, _below(place, name)))
        todo[first:] = reversed(todo[first:])  # the first is popped first
        return copy

    def _key(self, name: str, place: Place, copy: Mapping[Any, Any]) -> str:
        """Return a field's name masked, with primes where another name is masked alike, so that no field is lost."""
        shown = self.text(name, place)
        while shown in copy:
            shown += "'"
        return shown

    def _is_clean(self, fields: Any) -> bool:
        """Tell whether managed fields, which are names only and half of many objects, can stay as they are."""
        return not self._echoed and (self._scanner is None or self._all.narrowed(fields) is None)

    def _spans(self, text: str) -> list[Span]:
        return self._scanner.spans(text) if self._scanner is not None else []

    def _is_unsettled(self, seen: int) -> bool:
        """Tell whether to walk again: of two secrets in a text, one may have held a quote that the other needs."""
        if not self._entangled or len(self.findings) == seen or self._replace != self._placeholders.make:
            return False
        self._entangled = False
        self._repeated += 1
        return self._repeated <= REPEATED

    def _replaced(self, place: Place, kind: str, written: str, plain: str | None) -> str:
        secret = written if plain is None else plain
        if len(written) >= SHORTEST_ECHO:
            self._seen[written] = self._seen[secret] = (kind, secret)
        replacement = self._replace(kind, secret)
        self.findings.append(Finding(place.where + rendered(place.path + place.rest), kind, replacement))
        return replacement

    def _echoes(self, text: str) -> Iterator[Span]:
        if len(self._echoed) * len(text) > MOST_ECHO:
            yield Span(0, len(text), "echo")
            return
        for written, (kind, secret) in self._echoed.items():
            start = text.find(written)
            while start >= 0:
                yield Span(start, start + len(written), kind, secret)
                start = text.find(written, start + len(written))


def _below(place: Place, name: str) -> Place:
    below = place.below(name)
    if name == "items" and place.kind.endswith("List") and len(place.path) == place.base:
        return below._replace(kind=place.kind[:-4], base=len(below.path) + 1)  # each item is an object's root
    return below
