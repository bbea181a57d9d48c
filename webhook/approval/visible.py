"""Makes visible what a terminal or a browser would hide, reorder or act on.

Control characters (ANSI, newline, NUL), format characters (right-to-left and zero-width marks), surrogates, private
and unassigned characters, line separators, odd spaces, and letters that Unicode draws as nothing at all.
"""

import re
import unicodedata

HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})

BLANK = frozenset(
    {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
    | {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
)
"""Drawn as nothing although their category says letter, mark or symbol (variation selectors among them).
Source: Unicode DerivedCoreProperties.txt, Default_Ignorable_Code_Point; and the empty Braille pattern."""

FORGED_ESCAPE = re.compile(r"\\(?=u\{)")


def is_visible(char: str) -> bool:
    """Say whether a reader sees the character as what it is. A plain space is visible, a newline is not."""
    if " " <= char <= "~":
        return True
    return unicodedata.category(char) not in HIDDEN_CATEGORIES and ord(char) not in BLANK


def visible(text: str) -> str:
    r"""Write every hidden character as `\u{hex}`, on one line; different texts stay different.

    A backslash that would make such an escape by itself is written as `\u{5c}`.
    """
    return still_visible(FORGED_ESCAPE.sub(lambda _: "\\u{5c}", text))


def still_visible(text: str) -> str:
    """Do the same for text that `visible` has written already, so that its escapes are not escaped again."""
    return "".join(char if is_visible(char) else f"\\u{{{ord(char):x}}}" for char in text)
