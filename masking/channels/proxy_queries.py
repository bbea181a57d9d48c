"""Query parameters of request URIs.

**Rule.** The value of a query parameter whose name promises a secret (token, password, api_key, a signature), and
whatever the value rules find in the decoded path and values. Selectors, `timeout`, `continue` and all other values
stay.

**Fields.** `requestURI` of audit events; the URIs of `*/proxy` carry what the caller sent to the application.

**Source.** https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/; KUBERNETES.md,
Audit webhook.
"""

from typing import Any

from masking.structure import PASS, Channel, Hand, Place
from masking.uri import decoded_spans, query_spans

ID = "proxy-queries"


def applies(place: Place) -> bool:
    """Tell whether the place is the URI of an audit event."""
    return place.kind == "Event" and place.local == ("requestURI",)


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the secret values, encoded as they are."""
    if not isinstance(value, str):
        return PASS
    return hand.text(value, place, (*query_spans(value, ID), *decoded_spans(value, hand.spans)))


CHANNEL = Channel(ID, applies, treat, fields=("requestURI",).__contains__)
