"""Tokens in token APIs.

**Rule.** The token that TokenRequest answers with, that TokenReview asks about, and the credentials of an
ExecCredential.

**Fields.** TokenRequest `status.token`; TokenReview `spec.token`; ExecCredential `status.token`,
`status.clientKeyData`.

**Source.** https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/
"""

from typing import Any

from masking.structure import Channel, Hand, Place

ID = "token-request"
FIELDS: dict[str, frozenset[tuple[str | int, ...]]] = {
    "TokenRequest": frozenset((("status", "token"),)),
    "TokenReview": frozenset((("spec", "token"),)),
    "ExecCredential": frozenset((("status", "token"), ("status", "clientKeyData"))),
}
NAMES = frozenset(str(path[-1]) for paths in FIELDS.values() for path in paths)


def applies(place: Place) -> bool:
    """Tell whether the place is the credential of its kind."""
    return place.local in FIELDS.get(place.kind, ())


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the credential as a whole."""
    return hand.secret(value, place, ID)


CHANNEL = Channel(ID, applies, treat, fields=NAMES.__contains__, kinds=frozenset(FIELDS))
