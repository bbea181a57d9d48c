"""Arguments of containers, probes and hooks.

**Rule.** `command` and `args` together are an argument vector, in which values of flags and assignments whose names
promise a secret, the password flags of known programs, and the same in `sh -c` texts are masked; never the whole
command. Where a JSON patch names a single argument, what stands before it is unknown: a bare word after the first
is then masked.

**Fields.** `command`, `args` of containers, probes (`exec`), lifecycle hooks and any custom resource with fields so
named.

**Source.** https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
"""

from typing import Any

from masking.arguments import Word, argument_spans, word_spans
from masking.structure import PASS, Channel, Hand, Place, Span

ID = "command-arguments"


def applies(place: Place) -> bool:
    """Tell whether the place is a field with the name of an argument vector."""
    return place.path[-1] in ("command", "args")


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the secret arguments; a vector of anything but scalars is none."""
    if not isinstance(value, str):
        return vector(hand, value, place, ID)
    spans = list(word_spans(Word(value), ID))
    bare = place.rest and place.rest[0] != "0" and not value.startswith("-") and not any(map(str.isspace, value))
    return hand.text(value, place, spans or ([Span(0, len(value), ID)] if bare else ()))


def vector(hand: Hand, value: Any, place: Place, kind: str) -> Any:
    """Mask the secret arguments of a list, as arguments of the command beside it if the list is `args`."""
    if not isinstance(value, list | tuple) or any(isinstance(item, dict | list | tuple) for item in value):
        return PASS
    before = place.holder.get("command") if place.path[-1] == "args" else None
    command = [str(item) for item in before] if isinstance(before, list | tuple) else []
    found: dict[int, list[Span]] = {}
    for index, span in argument_spans([*command, *map(_word, value)], kind):
        found.setdefault(index - len(command), []).append(span)
    return [
        hand.text(item, place.below(index), found.get(index, ())) if isinstance(item, str) else item
        for index, item in enumerate(value)
    ]


def _word(item: Any) -> str:
    return item if isinstance(item, str) else ""


CHANNEL = Channel(ID, applies, treat, fields=("command", "args").__contains__)
