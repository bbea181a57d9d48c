"""Searches for planted secrets: whatever is on disk or was printed, in every form in which a secret travels."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote


def forms(secret: str) -> Iterator[bytes]:
    """The secret as it is, URL-encoded, and as base64 at any of the three positions in a longer text."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    for shift in range(3):
        # The first and last characters of base64 depend on the neighbours, so they are left out.
        encoded = base64.b64encode(b"." * shift + secret.encode())
        yield encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]


def leaks(secrets: Iterable[str], *, folders: Iterable[Path], texts: Iterable[tuple[str, str]]) -> list[str]:
    """Name every file below the folders, and every named text, that holds a secret in any form."""
    wanted = [form for secret in secrets for form in forms(secret)]
    places = [(str(path), path.read_bytes()) for folder in folders for path in folder.rglob("*") if path.is_file()]
    places += [(name, text.encode()) for name, text in texts]
    return sorted(name for name, content in places if any(form in content for form in wanted))
