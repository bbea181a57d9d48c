"""JSON patches: an operation's value is judged at the place that its pointer names.

Merge, strategic and apply patches have the object's own form and need nothing of this. Source: RFC 6902, RFC 6901.
"""

from collections.abc import Callable, Mapping
from typing import Any

from masking.channels import AT_ROOT
from masking.structure import DEEPEST, PASS, Path, Place

Ask = Callable[[Any, Place], Any]  # the channels' answer, or PASS


def pointer(text: str) -> Path:
    """Return the steps of a JSON pointer."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def masked_operation(operation: Any, place: Place, ask: Ask, ordinary: Ask) -> Any:
    """Return an operation masked: `path`, `from` and `op` as texts, every other member as a value at the path."""
    if not isinstance(operation, Mapping):
        return masked_at(operation, (), place, ask, ordinary)
    steps = pointer(str(operation.get("path", "")))
    return {
        key: ordinary(item, Place((key,), "", where=place.where))
        if key in ("op", "path", "from")
        else masked_at(item, steps, place, ask, ordinary)
        for key, item in operation.items()
    }


def masked_at(value: Any, steps: Path, place: Place, ask: Ask, ordinary: Ask) -> Any:
    """Return a value masked that stands at `steps` below the place, of which nothing else is known."""
    if not steps and place.kind in AT_ROOT and not isinstance(value, Mapping):
        steps = ("",)  # no object where there must be one: judged as an unknown field
    for done in range(1, min(len(steps), DEEPEST) + 1):
        masked = ask(value, place.below(*steps[:done])._replace(rest=steps[done:]))
        if masked is not PASS:
            return masked
    return ordinary(value, place.below(*steps))
