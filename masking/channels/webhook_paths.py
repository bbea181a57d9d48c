"""Secret paths of webhooks.

**Rule.** A webhook that is reached by a secret path tells it to whoever reads the configuration: segments of a path
that look random (32 hex digits, or 22 characters of base64url, and more) are masked. The same in the URL of
error texts that begin with "failed calling webhook" is found by the value rule `webhook-urls`.

**Fields.** `clientConfig.url`, `clientConfig.service.path` of webhook configurations and CRD conversions.

**Source.** DESIGN.md 3, Registration.
"""

from typing import Any

from masking.rules import random_segments
from masking.structure import PASS, Channel, Hand, Place

ID = "webhook-paths"
PLACES = (("clientConfig", "service", "path"), ("clientConfig", "url"))


def applies(place: Place) -> bool:
    """Tell whether the place is the URL or the path of a webhook."""
    return place.local[-3:] == PLACES[0] or place.local[-2:] == PLACES[1]


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the random segments."""
    return hand.text(value, place, random_segments(value, ID)) if isinstance(value, str) else PASS


CHANNEL = Channel(ID, applies, treat, fields=("path", "url").__contains__)
