"""Error texts that quote a value.

**Rule.** An error about a Secret may quote the value that it refuses: what follows `Invalid value:` is masked. An error
about any kind may quote a whole object, as it does for a patch that makes none: that is masked too, for a Pod's
environment may be in it. Secrets that the event's own bodies showed are masked anyway, see `Masker.mask_event`.

**Fields.** `message` of audit events (`responseStatus`, Status objects and their causes).

**Source.** k8s.io/apimachinery `pkg/util/validation/field/errors.go`; KUBERNETES.md, Audit webhook.
"""

import re
from typing import Any

from masking.structure import PASS, Channel, Hand, Place, Span

ID = "error-messages"
QUOTED = re.compile(
    r'(?:Invalid|Unsupported|Duplicate) value: (?:"((?:[^"\\]|\\.)++)"|([{\[].*)|([^\s":]++))', re.DOTALL
)
_OBJECT = ("{", "[")


def applies(place: Place) -> bool:
    """Tell whether the place is called message; whether the event is about a Secret, the hand knows."""
    return place.path[-1] == "message"


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the quoted values."""
    if not isinstance(value, str):
        return PASS
    found = [match for match in QUOTED.finditer(value) if hand.subject == "Secret" or _is_object(match)]
    return hand.text(value, place, [Span(*match.span(match.lastindex or 0), ID) for match in found]) if found else PASS


def _is_object(match: re.Match[str]) -> bool:
    return match[match.lastindex or 0].startswith(_OBJECT)


CHANNEL = Channel(ID, applies, treat, fields=("message",).__contains__)
