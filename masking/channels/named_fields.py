"""Fields whose names leave no doubt.

**Rule.** A string in a field called password, passphrase, apiKey, accessToken, authToken, clientSecret or
privateKey (alone or at the end of a longer name, in any spelling) is a secret. Names that may also be references
(secret, token, secretKey) are not enough here. Labels and selectors stay.

**Fields.** any field of any object, first of all of custom resources and ConfigMaps.

**Source.** DESIGN.md 6.
"""

from typing import Any

from masking.arguments import CONTEXT_REFERENCE
from masking.names import is_secret_name
from masking.rules import SWITCHES
from masking.structure import PASS, Channel, Hand, Place

ID = "named-fields"
SURE = (
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "accesstoken",
    "authtoken",
    "clientsecret",
    "privatekey",
    "secretaccesskey",
)
LABELS = frozenset(("labels", "matchLabels", "selector", "nodeSelector"))


def named(field: str) -> bool:
    """Tell whether a field's name leaves no doubt."""
    letters = field.replace("-", "").replace("_", "").lower()
    return letters.endswith(SURE) and is_secret_name(field)


def applies(place: Place) -> bool:
    """Everywhere but in labels and selectors."""
    return LABELS.isdisjoint(place.local[-2:-1])


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask a string as a whole; a number or an object in such a field is something about the secret."""
    if not isinstance(value, str) or value.lower() in SWITCHES or CONTEXT_REFERENCE.fullmatch(value):
        return PASS
    return hand.secret(value, place, ID)


CHANNEL = Channel(ID, applies, treat, fields=named)
