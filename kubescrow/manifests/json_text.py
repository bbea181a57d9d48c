"""A stream of JSON documents, one after another, with or without line ends between them."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from kubescrow.manifests.document import VALUES_LIMIT, Document, Unreadable

_ALLOWED_DEPTH = "nested too deeply; allowed: some 250 levels"


class _Refused(ValueError):
    """JSON that Kubernetes cannot mean; the text says why."""


def json_documents(text: str) -> Iterator[Document]:
    """Yield the documents of a stream.

    Raises:
        Unreadable: it is not JSON, or holds a key twice or a number that no double holds; after the documents before.
    """
    if sum(map(text.count, "[{,")) > VALUES_LIMIT:  # before it is read: each value but the first has one of them
        raise Unreadable(1, f"too many values; allowed: {VALUES_LIMIT} brackets and commas")
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_number)
    position, number, line = _skipped(text, 0), 0, 1
    counted = 0
    while position < len(text):
        line += text.count("\n", counted, position)
        counted = position
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as err:
            raise Unreadable(err.lineno, "not JSON") from err
        except RecursionError as err:
            raise Unreadable(line, _ALLOWED_DEPTH) from err
        except _Refused as err:
            raise Unreadable(line, str(err)) from err
        except ValueError as err:  # thousands of digits
            raise Unreadable(line, "a number that no double holds") from err
        number += 1
        yield Document(number, line, value)
        position = _skipped(text, end)


def _skipped(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Refused("the same key twice in one object; readers differ in which of them counts")
    return made


def _number(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(_: str) -> NoReturn:
    raise _Refused("a number that no double holds")
