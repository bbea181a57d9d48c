"""One document of a stream, and why a stream cannot be read; the limits that both readers keep."""

from dataclasses import dataclass
from typing import Any

# All manifests of the largest charts are about 6 MiB; a whole cluster as YAML is more often below this than above.
INPUT_LIMIT_BYTES = 32 * 1024 * 1024

# The largest CustomResourceDefinitions have 100,000 values; two million small ones are 300 MB of memory.
VALUES_LIMIT = 2_000_000

# What aliases may unfold a document to. Without them no document is larger than its input.
UNFOLDED_LIMIT = INPUT_LIMIT_BYTES


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `number` and `line` (of its first value) count from 1."""

    number: int
    line: int
    value: Any


class Unreadable(Exception):
    """The rest of a stream cannot be read. `line` counts from 1; `reason` quotes nothing of the stream."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason
