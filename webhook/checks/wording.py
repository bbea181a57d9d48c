"""How text from outside is put into a message: one line, no control characters, bounded.

What a request carries is chosen by the agent, and a message is read by a person in a terminal.
"""

import json
import unicodedata
from collections.abc import Mapping
from typing import Any

# A denial is one line in a terminal and one value of an audit annotation: 512 characters are six terminal
# lines, and eight findings of this length still fit the 4096 that the API server shows.
MESSAGE_LIMIT = 512

# A quoted value only has to be recognised, not read.
QUOTED_LIMIT = 80

# Python refuses to write integers of more than 4,300 digits; nobody reads more than twenty.
_LONG = 10**20

# Cc control, Cf format (right-to-left marks, zero width), Cs lone surrogates, Co private, Cn unassigned,
# Zl and Zp line ends: none of them is seen, each of them can hide or move what is.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """Drop what cannot be seen, make white space single, cut to `limit` characters with a final `...`."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(_shown(char) for char in text[: 8 * limit])
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def quoted(value: Any) -> str:
    """Write a value as JSON with everything outside ASCII escaped, cut to 80 characters."""
    if isinstance(value, str):
        value = value[:QUOTED_LIMIT]
    elif isinstance(value, Mapping):
        return "an object"
    elif isinstance(value, list | tuple):
        return "a list"
    elif not isinstance(value, bool | float | None) and not (isinstance(value, int) and abs(value) < _LONG):
        return f"a value of type {type(value).__name__}"
    text = json.dumps(value)
    return text if len(text) <= QUOTED_LIMIT else f"{text[: QUOTED_LIMIT - 3]}..."


def _shown(char: str) -> str:
    if char in "\t\n\v\f\r\x85\u2028\u2029":
        return " "
    return "" if unicodedata.category(char) in _INVISIBLE else char
