"""The tokens by which API servers send their batches: one cluster each, kept as hashes.

The file is JSON: `{"clusters": {"prod": ["<sha256 hex>", ...]}}`. At most two are valid at once, so that a new one can
be rolled out before the old one ends; a third ends the oldest. Tokens have 256 random bits, so a plain hash is safe.
"""

import hashlib
import hmac
import json
import re
import secrets
from pathlib import Path

from auditsink import files

CLUSTER = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
"""Name of a cluster: up to 63 lower-case letters, digits, dashes and dots."""

VALID_AT_ONCE = 2
PREFIX = "kubescrow-sink-"
"""Begins every token, so that a leaked one is recognised."""

_HASH = re.compile(r"[0-9a-f]{64}")


class TokensBroken(Exception):
    """The file holds something else, or the name is no cluster's; the text says what is wrong."""


class Tokens:
    """The file of hashes, read again whenever it changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._hashes: dict[str, list[str]] = {}

    def is_valid(self, cluster: str, token: str) -> bool:
        """Tell whether this token may send for this cluster, in the same time for every wrong one.

        Raises:
            TokensBroken: the file cannot be used.
        """
        self._refresh()
        given = _hashed(token)
        known = [*self._hashes.get(cluster, ()), *([_NOBODY] * VALID_AT_ONCE)][:VALID_AT_ONCE]
        matches = [hmac.compare_digest(given, each) for each in known]
        return any(matches)

    def new_token(self, cluster: str) -> str:
        """Make a token for a cluster and return it; it is kept nowhere.

        Raises:
            TokensBroken: the file cannot be used, or the cluster has no proper name.
        """
        if not CLUSTER.fullmatch(cluster):
            raise TokensBroken(f"cluster {cluster!r}: allowed: a name that matches {CLUSTER.pattern}")
        self._refresh()
        token = PREFIX + secrets.token_urlsafe(32)
        hashes = [*self._hashes.get(cluster, ()), _hashed(token)][-VALID_AT_ONCE:]
        content = {"clusters": {**self._hashes, cluster: hashes}}
        try:
            files.replace(self._path, json.dumps(content, indent=2) + "\n")
        except OSError as err:
            raise TokensBroken(f"{self._path}: {err.strerror}") from err
        return token

    def count(self, cluster: str) -> int:
        """Return how many tokens of a cluster are valid now."""
        self._refresh()
        return len(self._hashes.get(cluster, ()))

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            if stamp != self._stamp:
                self._hashes, self._stamp = _parsed(json.loads(self._path.read_text())), stamp
        except FileNotFoundError:
            self._hashes, self._stamp = {}, ()
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as err:
            raise TokensBroken(f"{self._path}: allowed: JSON, clusters with up to two SHA-256 hashes each") from err


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


_NOBODY = "0" * 64  # no token has this hash


def _parsed(value: dict[str, dict[str, list[str]]]) -> dict[str, list[str]]:
    hashes = {str(name): list(each) for name, each in value["clusters"].items()}
    if not all(_HASH.fullmatch(each) for known in hashes.values() for each in known):
        raise ValueError("not a hash")
    return hashes
