"""The documents of one input, JSON or YAML, whichever it is."""

import re
from collections.abc import Iterator

from kubescrow.manifests.document import INPUT_LIMIT_BYTES, Document, Unreadable
from kubescrow.manifests.json_text import json_documents
from kubescrow.manifests.yaml_text import yaml_documents

_JSON = re.compile(r'\s*\{\s*(?:"|\})')
"""How JSON begins. A YAML flow mapping may look the same: then YAML has the second word."""

_SEPARATOR = "\n---"
"""What no JSON can hold, and separates documents of YAML, also of YAML that looks like JSON."""

_BROKEN_JSON = "not JSON"


def documents(content: bytes) -> Iterator[Document]:
    """Yield the documents of an input that are not empty.

    Raises:
        Unreadable: the rest of it cannot be read; after the documents before.
    """
    if len(content) > INPUT_LIMIT_BYTES:
        raise Unreadable(1, f"too large; allowed: {INPUT_LIMIT_BYTES} bytes (32 MiB); split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise Unreadable(content[: err.start].count(b"\n") + 1, "not text in UTF-8") from err
    for document in _read(text):
        if document.value is not None:
            yield document


def _read(text: str) -> Iterator[Document]:
    if not _JSON.match(text) or _SEPARATOR in text:
        yield from yaml_documents(text)
        return
    is_begun = False
    try:
        for document in json_documents(text):
            is_begun = True
            yield document
    except Unreadable as err:
        if is_begun or err.reason != _BROKEN_JSON:
            raise
        yield from yaml_documents(text)
