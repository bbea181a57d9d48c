"""Error texts about Secrets.

**Rule.** An error about a Secret may quote the value that it refuses: what follows `Invalid value:` is masked.
Secrets that the event's own bodies showed are masked in its messages anyway, see `Masker.mask_event`.

**Fields.** `message` of audit events about Secrets (`responseStatus`, Status objects and their causes).

**Source.** k8s.io/apimachinery `pkg/util/validation/field/errors.go`; KUBERNETES.md, Audit webhook.
"""

import re
from typing import Any

from masking.structure import PASS, Channel, Hand, Place, Span

ID = "error-messages"
QUOTED = re.compile(r'(?:Invalid|Unsupported|Duplicate) value: (?:"((?:[^"\\]|\\.)++)"|([^\s":]++))')


def applies(place: Place) -> bool:
    """Tell whether the place is called message; whether the event is about a Secret, the hand knows."""
    return place.path[-1] == "message"


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the quoted values."""
    if hand.subject != "Secret" or not isinstance(value, str):
        return PASS
    spans = [Span(*match.span(match.lastindex or 0), ID) for match in QUOTED.finditer(value)]
    return hand.text(value, place, spans)


CHANNEL = Channel(ID, applies, treat, fields=("message",).__contains__)
