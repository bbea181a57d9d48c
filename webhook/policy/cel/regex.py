"""Regular expressions in CEL: `find`, `findAll`, and how large a pattern is.

RE2 only: its time grows with the text, never exponentially, whatever the pattern.

Source: k8s.io/apiserver/pkg/cel/library/regex.go, Go's regexp (FindAllString)
"""

from functools import lru_cache
from typing import Any

import re2

from webhook.policy.cel.declare import INT, STRING, STRINGS, Function, member

# Patterns stand in policies, so there are about as many as rules with one; each keeps a few KB.
_REMEMBERED = 512

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class NoPattern(ValueError):
    """A text is no regular expression of RE2."""


@lru_cache(maxsize=_REMEMBERED)
def pattern(text: str) -> Any:
    """Read a pattern.

    Raises:
        NoPattern: it is none.
    """
    try:
        return re2.compile(text, options=_OPTIONS)
    except (re2.error, UnicodeError) as err:
        raise NoPattern("not a regular expression of RE2") from err


def _find(text: str, wanted: str) -> str:
    found = pattern(wanted).search(text)
    return str(found[0]) if found else ""


def _find_all(text: str, wanted: str, limit: int = -1) -> list[str]:
    """Return what matches, from left to right; nothing of length 0 right behind a match. Less than 0: all."""
    found: list[str] = []
    end = -1
    for match in pattern(wanted).finditer(text):
        if 0 <= limit <= len(found):
            break
        if match.end() > match.start() or match.start() != end:
            found.append(match[0])
        end = match.end()
    return found


FUNCTIONS: tuple[Function, ...] = (
    member("find", [STRING, STRING], STRING, _find),
    member("findAll", [STRING, STRING], STRINGS, _find_all),
    member("findAll", [STRING, STRING, INT], STRINGS, _find_all),
)
