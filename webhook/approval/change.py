"""The change that an approver sees: the intent's document, masked span by span, as text.

First line: what happens. Then, as YAML, what is done (the created object, the touched paths, the options) and who
asks for it. Nothing of the document is missing, and two documents have the same text only if they differ in nothing
but masked secrets. A change that is too long to be read is refused, never cut.
"""

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from webhook.approval.document import CannotHold, is_mark
from webhook.approval.intent import Intent
from webhook.approval.render import Rendered, field, in_quotes
from webhook.approval.touched_paths import changes_lines

LIMIT_BYTES = 64 * 1024
"""A person does not read more, and an Approval must fit into etcd (1.5 MiB) with all that is on it."""

LABEL = re.compile(r"[A-Za-z0-9_-]+")
WORD = re.compile(r"[A-Za-z0-9_.:@-]+")
"""What stands in the first line without quotes: a resource; a group, a namespace, a name."""

COMMAND_LINE = Rendered("command line")
"""A key that no client writes: one with a space in it would be in quotes."""


class ChangeTooLarge(CannotHold):
    """The text is longer than `limit_bytes`. `size_bytes` is where the count stopped, so at least that much."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"the change is over {limit_bytes} bytes long")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class ObjectMasker(Protocol):
    """What is needed of `masking.Masker`."""

    def mask_object(self, obj: Mapping[str, Any], /, *, kind: str | None = None, group: str = "") -> dict[str, Any]:
        """Return a copy of the object with each secret replaced by a placeholder."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """The text, at most LIMIT_BYTES of UTF-8, and its SHA-256 (64 hex digits)."""

    text: str
    digest: str


def describe(intent: Intent, *, masker: ObjectMasker) -> Change:
    """Write what an intent would do. Equal intents give equal texts.

    Raises:
        ChangeTooLarge: the text is over LIMIT_BYTES.
    """
    lines: list[str] = []
    size_bytes = 0
    for line in _lines(intent, masker):
        lines.append(line)
        size_bytes += len(line.encode()) + 1
        if size_bytes > LIMIT_BYTES:
            raise ChangeTooLarge(size_bytes, LIMIT_BYTES)
    text = "\n".join(lines) + "\n"
    return Change(text, hashlib.sha256(text.encode()).hexdigest())


def _lines(intent: Intent, masker: ObjectMasker) -> Iterator[str]:
    document = _candid(intent.document)
    mask = partial(masker.mask_object, kind=intent.kind, group=intent.group)
    yield _headline(document)
    if "object" in document:
        yield from field("object", mask(document["object"]))
    if "changes" in document:
        yield from field("apiVersion", document["apiVersion"])
        yield from field("kind", document["kind"])
        yield from changes_lines(document["changes"], mask)
    if "options" in document:
        kind = "DeleteOptions" if document["operation"] == "DELETE" else intent.kind
        yield from field("options", _with_command_line(masker.mask_object(document["options"], kind=kind)))
    if "target" in document:
        yield from field("target", document["target"])
    yield from field("requester", document["requester"])


def _headline(document: Mapping[str, Any]) -> str:
    """`UPDATE deployments.apps/scale agents/web`, `DELETE namespaces/prod`; odd words in quotes."""
    group, subresource, namespace = document["resource"]["group"], document["subresource"], document["namespace"]
    path = _word(document["resource"]["resource"], LABEL)
    path += f".{_word(group)}" if group else ""
    path += f"/{_word(subresource)}" if subresource else ""
    path += f" {_word(namespace)}" if namespace else ""
    name = "(generated name)" if is_mark(document["name"]) else _word(document["name"])
    return f"{document['operation']} {path}/{name}"


def _word(text: str, plain: re.Pattern[str] = WORD) -> str:
    return text if plain.fullmatch(text) else in_quotes(text)


def _with_command_line(options: dict[str, Any]) -> dict[str, Any]:
    """The argument vector of an exec as one would type it; `shlex.split` gives the vector back."""
    command = options.get("command")
    if not (isinstance(command, list) and command and all(isinstance(part, str) for part in command)):
        return options
    rest = {key: value for key, value in options.items() if key != "command"}
    return {COMMAND_LINE: shlex.join(command), **rest}


def _candid(value: Any) -> Any:
    """Spoil genuine placeholders that a client copied into its request, so that the masker shows them as forged."""
    if isinstance(value, str):
        return value.replace("[masked:", "[masked:copied:")
    if isinstance(value, Mapping):
        return {_candid(key): _candid(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_candid(item) for item in value]
    return value
