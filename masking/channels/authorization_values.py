"""Headers of probes and hooks.

**Rule.** The value of an HTTP header whose name promises a secret (Authorization, Cookie, X-Api-Key); of
Authorization the scheme stays. `Authorization: Bearer ...` inside other texts is found by the value rule of the
same name.

**Fields.** `httpHeaders[].value`.

**Source.** https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
"""

import re
from typing import Any

from masking.names import is_secret_name
from masking.rules import SCHEMES
from masking.structure import PASS, Channel, Hand, Place, Span

ID = "authorization-values"
SCHEME = re.compile(rf"{SCHEMES}[ \t]+(?=\S)", re.IGNORECASE)


def applies(place: Place) -> bool:
    """Tell whether the place is the value of a header whose name promises a secret, or is unknown."""
    if len(place.path) < 3 or place.path[-3] != "httpHeaders":
        return False
    name = place.holder.get("name")
    return not isinstance(name, str) or is_secret_name(name)


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask what follows the scheme."""
    if not isinstance(value, str):
        return PASS if isinstance(value, bool) else hand.secret(value, place, ID)
    scheme = SCHEME.match(value)
    return hand.text(value, place, [Span(scheme.end() if scheme else 0, len(value), ID)])


CHANNEL = Channel(ID, applies, treat, fields=("value",).__contains__)
