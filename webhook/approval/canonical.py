"""Canonical JSON: one byte sequence for one document, so that it can be hashed and signed.

Keys sorted, no white space, everything outside ASCII escaped (lone surrogates included).
"""

import hashlib
import hmac
import json
from typing import Any


def canonical_json(document: Any) -> bytes:
    """Write `document` in its one canonical form.

    Raises:
        ValueError: it holds NaN or an infinity, which JSON does not know.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest(document: Any) -> str:
    """SHA-256 of the canonical form, 64 hex digits."""
    return hashlib.sha256(canonical_json(document)).hexdigest()


def sign(key: bytes, purpose: str, document: Any) -> str:
    """HMAC-SHA256 of the canonical form, 64 hex digits; `purpose` keeps signatures of different things apart."""
    return hmac.new(key, canonical_json([purpose, document]), hashlib.sha256).hexdigest()
