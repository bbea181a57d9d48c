"""Searches for planted secrets: whatever is on disk or was printed, in every form in which a secret travels.

A database is searched twice: its files as they are, and its rows with their compressed values unpacked, where a
search of the bytes would find nothing whatever is stored.
"""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 9
"""Bytes of a secret. Of a shorter one, so little base64 does not depend on its neighbours that chance would find it."""

QUOTE = '"'

SQLITE = b"SQLite format 3\0"


def forms(secret: str) -> frozenset[bytes]:
    """The secret as it is, quoted in JSON, URL-encoded, and as base64 at any of the three positions in a longer text.

    Raises:
        ValueError: it is too short to be searched for.
    """
    plain = secret.encode()
    if len(plain) < SHORTEST:
        raise ValueError(f"a secret of {len(plain)} bytes; at least {SHORTEST} can be searched for")
    quoted = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    in_urls = {quote(secret, safe=""), quote_plus(secret)}
    in_urls |= {re.sub("%..", lambda escape: escape[0].lower(), text) for text in in_urls}
    return frozenset({plain, *(text.encode() for text in quoted | in_urls), *_in_base64(plain)})


def _in_base64(plain: bytes) -> Iterator[bytes]:
    for shift in range(3):
        # The first and last characters of base64 depend on the neighbours, so they are left out.
        encoded = base64.b64encode(b"." * shift + plain)
        whole = encoded[4 if shift else 0 : (shift + len(plain)) // 3 * 4]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def leaks(secrets: Iterable[str], *, folders: Iterable[Path], texts: Iterable[tuple[str, str]]) -> list[str]:
    """Name every file below the folders, and every named text, that holds a secret in any form.

    Raises:
        ValueError: a secret is too short, or a file that calls itself a database cannot be read.
    """
    wanted = frozenset(form for secret in secrets for form in forms(secret))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    found = [str(path) for path in files if any(_holds(content, wanted) for content in _contents(path))]
    return sorted(found + [name for name, text in texts if _holds(text.encode(), wanted)])


def _holds(content: bytes, wanted: Iterable[bytes]) -> bool:
    return any(form in content for form in wanted)


def _contents(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file; of a database, each value of each row as well."""
    raw = path.read_bytes()
    yield raw
    if raw.startswith(SQLITE):
        yield from _values(path)


def _values(path: Path) -> Iterator[bytes]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                for row in database.execute(f'SELECT * FROM "{table.replace(QUOTE, QUOTE * 2)}"'):  # noqa: S608 -- a name of the database's own
                    for value in row:
                        yield from _unpacked(value)
    except sqlite3.Error as err:
        raise ValueError(f"{path}: not readable as a database") from err


def _unpacked(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
        with suppress(zlib.error):
            yield zlib.decompress(value)
    elif isinstance(value, str):
        yield value.encode(errors="surrogatepass")
