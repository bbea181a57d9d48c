"""Where a page ended, as a short text that a client hands back unread."""

import base64
import json

Values = tuple[int | str, ...]


class WrongCursor(ValueError):
    """The text is no cursor of this list."""


def encoded(values: Values) -> str:
    """Return a cursor: URL-safe, without meaning to anybody else."""
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def decoded(text: str, *types: type) -> Values:
    """Return the values of a cursor.

    Raises:
        WrongCursor: it is none, or its values are of other types.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as err:
        raise WrongCursor("cursor: not one that this list gave") from err
    fits = isinstance(values, list) and len(values) == len(types)
    if not fits or any(type(value) is not kind for value, kind in zip(values, types, strict=True)):
        raise WrongCursor("cursor: not one that this list gave")
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in values):
        raise WrongCursor("cursor: not one that this list gave")
    return tuple(values)
