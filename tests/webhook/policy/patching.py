"""What the API server makes of a JSON patch of `add` and `replace`, written from RFC 6902 and not from our code."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any


def patched(document: Any, patch: Iterable[Mapping[str, Any]]) -> Any:
    """Apply the operations in order; the parent of each place must exist, and `replace` needs something there."""
    document = copy.deepcopy(document)
    for operation in patch:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        at = document
        for part in parents:
            at = at[int(part)] if isinstance(at, list) else at[part]
        if isinstance(at, list):
            assert operation["op"] == "replace"
            at[int(last)] = copy.deepcopy(operation["value"])
        else:
            assert isinstance(at, dict)
            assert operation["op"] == "add"
            at[last] = copy.deepcopy(operation["value"])
    return document
