"""The fingerprint of an intent, version 1: equal for equal intents, different for different ones.

HMAC-SHA256, with the installation's key, of the canonical JSON of the intent's document, in which every value under
`data` and `stringData` of a Secret is replaced by an HMAC of its own. A plain SHA-256 would let everybody who may
read Approvals guess a short password that stands anywhere else in the object (an env value, an argument), with all
other values known; keyed, it cannot be tested without the key. All else stays as for a hash.

1 and 1.0 are different here. The API server writes a number in one form only, so an intent has one form too.
"""

from collections.abc import Mapping
from typing import Any

from webhook.approval.canonical import sign
from webhook.approval.intent import Intent

PURPOSE = "kubescrow fingerprint v1"
LEAF_PURPOSE = "kubescrow secret leaf v1"

HMAC = "$hmac"
"""No client key begins with exactly one `$` in a document, so nobody forges a replaced leaf."""

SECRET_FIELDS = ("data", "stringData")


def fingerprint(intent: Intent, *, key: bytes) -> str:
    """The fingerprint, 64 hex digits."""
    return sign(key, PURPOSE, hashed(intent, key=key))


def hashed(intent: Intent, *, key: bytes) -> dict[str, Any]:
    """The document with an HMAC in place of each value of a Secret."""
    document = dict(intent.document)
    if (intent.group, intent.kind) == ("", "Secret"):
        if "object" in document:
            document["object"] = _hidden_object(document["object"], key)
        if "changes" in document:
            document["changes"] = [_hidden_change(change, key) for change in document["changes"]]
    return document


def _hidden_object(secret: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    hidden = {
        field: {name: _hmac(value, key) for name, value in secret[field].items()}
        if isinstance(secret[field], Mapping)
        else _hmac(secret[field], key)
        for field in SECRET_FIELDS
        if field in secret
    }
    return {**secret, **hidden}


def _hidden_change(change: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    if change["path"][0] not in SECRET_FIELDS:
        return dict(change)
    return {side: value if side == "path" or value == {} else _hmac(value, key) for side, value in change.items()}


def _hmac(value: Any, key: bytes) -> dict[str, str]:
    return {HMAC: sign(key, LEAF_PURPOSE, value)}
