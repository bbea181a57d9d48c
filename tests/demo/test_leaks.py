"""The demo's search finds a planted secret in every form and place, and nothing else: it can fail."""

from __future__ import annotations

import base64
import json
import random
import re
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from auditsink.intake.event import Recorder
from auditsink.store.database import open_writer, sqlite_url
from auditsink.store.rows import insert_all
from demo.leaks import SHORTEST, forms, leaks
from tests.auditsink.samples import event, raw
from tests.kubescrow.recorded import KEYS, record

SECRETS = ["horse 0123456789abcdef", "staple/0123456789abcdef", 'quote"\\<é>?~0123456789']
Form = Callable[[str], str]


def in_base64(before: str, after: str, alphabet: bytes = b"+/") -> Form:
    """Base64 of a longer text that holds the secret."""
    return lambda secret: base64.b64encode(f"{before}{secret}{after}".encode(), altchars=alphabet).decode()


FORMS: dict[str, Form] = {
    "as it is": str,
    "in a longer text": lambda secret: f"password={secret}&x",
    "quoted in JSON": json.dumps,
    "quoted in JSON as Unicode": lambda secret: json.dumps(secret, ensure_ascii=False),
    "URL-encoded": lambda secret: quote(secret, safe=""),
    "URL-encoded with a plus": quote_plus,
    "URL-encoded in lower case": lambda secret: re.sub("%..", lambda escape: escape[0].lower(), quote(secret, safe="")),
    "base64": in_base64("", ""),
    "base64, first offset": in_base64("abc", "x"),
    "base64, second offset": in_base64("a", "xy"),
    "base64, third offset": in_base64("ab", "xyz"),
    "base64 for URLs": in_base64("a", "", b"-_"),
    "base64 without padding": lambda secret: in_base64("ab", "")(secret).rstrip("="),
}  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_is_found_in_a_text_and_in_a_file(tmp_path: Path, form: Form, secret: str) -> None:
    """By its name; the text and the file beside it are not."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "guilty").write_bytes(b"\0\xff" + form(secret).encode() + b"\n")
    (tmp_path / "innocent").write_text("nothing here")
    texts = [("said", f"before {form(secret)} after"), ("unsaid", "nothing here")]
    assert leaks([secret], folders=[tmp_path], texts=texts) == [str(tmp_path / "folder" / "guilty"), "said"]


def near_misses(secret: str) -> list[str]:
    """What is not the secret, however like it."""
    like = [secret[:-1], secret[1:], secret.upper(), secret[:8] + " " + secret[8:], f"[masked:x:{secret[:6]}]"]
    encoded = [secret[:-6], secret[6:], secret.upper()]  # up to two bytes at either end depend on the neighbours
    return [*like, *(in_base64(before, "")(each) for each in encoded for before in ("", "a", "ab"))]


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_else_is_found(tmp_path: Path, secret: str) -> None:
    """Neither half a secret nor another, nor much of anything by chance."""
    chance = random.Random(0).randbytes(1 << 20)
    (tmp_path / "chance").write_bytes(chance + base64.b64encode(chance))
    (tmp_path / "empty").touch()
    others = [("another", other) for other in SECRETS if other != secret]
    misses = [(f"miss {number}", text) for number, text in enumerate(near_misses(secret))]
    found = leaks([secret], folders=[tmp_path], texts=[*misses, *others, ("empty", "")])
    assert [(name, dict(misses).get(name)) for name in found] == []


def test_every_secret_is_searched_for() -> None:
    """Not only the first; places are named once, in order."""
    texts = [("b", SECRETS[1] + SECRETS[0]), ("a", SECRETS[2]), ("c", "")]
    assert leaks(SECRETS, folders=[], texts=texts) == ["a", "b"]
    assert leaks([], folders=[], texts=texts) == []


@pytest.mark.parametrize("length", [0, 1, 5, SHORTEST - 1])
def test_a_secret_that_is_too_short_is_refused(length: int) -> None:
    """A form without characters would be found everywhere."""
    with pytest.raises(ValueError, match=f"of {length} bytes; at least {SHORTEST}"):
        leaks(["x" * length], folders=[], texts=[("any", "any")])


def test_no_form_is_so_short_that_chance_finds_it() -> None:
    """Eight characters of base64 at least."""
    for length in range(SHORTEST, SHORTEST + 12):
        assert min(map(len, forms("x" * length))) >= 8


# in a database of the sink


def stored(folder: Path, *, unmasked: str) -> Path:
    """A database with an event whose body holds a secret because nothing masked it."""
    path = folder / "auditsink.db"
    work = Recorder(KEYS).record(raw(event(requestObject={"metadata": {"labels": {"note": unmasked}}})), cluster="prod")
    engine = open_writer(sqlite_url(path), dedup_check="x")
    with engine.begin() as connection:
        insert_all(connection, [work], received_us=0)
    return path


@pytest.mark.parametrize("form", [str, in_base64("a", "b")], ids=["as it is", "base64"])
def test_a_secret_in_a_compressed_body_is_found(tmp_path: Path, form: Form) -> None:
    """Its bytes are nowhere in the file; the search unpacks, also what is in the write-ahead log only."""
    path = stored(tmp_path, unmasked=form(SECRETS[0]))
    files = [each for each in tmp_path.iterdir() if each.name.startswith(path.name)]
    assert path.with_name(path.name + "-wal") in files
    assert not any(form(SECRETS[0]).encode() in each.read_bytes() for each in files)
    assert leaks([SECRETS[0]], folders=[tmp_path], texts=[]) == [str(path)]
    assert leaks([SECRETS[1]], folders=[tmp_path], texts=[]) == []


def test_a_secret_that_was_masked_is_not_found(tmp_path: Path) -> None:
    """The same event, in a place where the sink masks."""
    secret = {"kind": "Secret", "apiVersion": "v1", "stringData": {"password": SECRETS[0]}}
    reference = {"resource": "secrets", "namespace": "prod", "name": "db", "apiVersion": "v1"}
    record(tmp_path, [event(requestObject=secret, objectRef=reference)])
    assert leaks([SECRETS[0]], folders=[tmp_path], texts=[]) == []


def test_a_secret_in_any_column_of_any_table_is_found(tmp_path: Path) -> None:
    """Texts, bytes, compressed bytes; the search changes nothing."""
    path = tmp_path / "some.db"
    for value in (SECRETS[0], SECRETS[0].encode(), zlib.compress(SECRETS[0].encode())):
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.execute('CREATE TABLE "a ""b" (number, value)')
            database.execute('INSERT INTO "a ""b" VALUES (1, ?)', (value,))
            database.commit()
        before = path.read_bytes()
        assert leaks([SECRETS[0]], folders=[tmp_path], texts=[]) == [str(path)]
        assert path.read_bytes() == before


def test_a_database_that_cannot_be_read_stops_the_search(tmp_path: Path) -> None:
    """What was not searched is not clean."""
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(ValueError, match=r"broken\.db: not readable as a database"):
        leaks([SECRETS[0]], folders=[tmp_path], texts=[])
