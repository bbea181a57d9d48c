"""Shell text as simple commands of words, without running or expanding anything.

Every text has a reading: an open quote reaches to the end. Source of the rules: POSIX shell, 2.2 (quoting) and 2.10.
"""

import re
from dataclasses import dataclass, field

from masking.decode import Inner

SEPARATORS = "\n;|&()`<>"
# Characters that stand for themselves: outside quotes, in double and in single quotes.
PLAIN = {
    "": re.compile(r"""[^\s;|&()`<>'"\\$]++"""),
    '"': re.compile(r"""[^"\\$]++"""),
    "'": re.compile(r"[^']++"),
}


@dataclass(slots=True)
class Command:
    """One simple command: its words, and whether its output is piped into the next."""

    words: list[Inner] = field(default_factory=list)
    piped: bool = False


class _Reader:
    def __init__(self) -> None:
        self.commands = [Command()]
        self.word: Inner | None = None
        self.region = 0
        self.quote = ""

    def add(self, character: str, start: int, end: int, *, expands: bool = False) -> None:
        if self.word is None:
            self.word = Inner()
        self.word.add(character, start, end, self.region)
        self.word.expands = self.word.expands or expands

    def add_run(self, run: str, start: int) -> None:
        if self.word is None:
            self.word = Inner()
        self.word.add_run(run, start, self.region)

    def end_word(self) -> None:
        if self.word is not None:
            self.commands[-1].words.append(self.word)
            self.word = None

    def end_command(self, separator: str) -> None:
        self.end_word()
        if self.commands[-1].words:
            self.commands[-1].piped = separator == "|"
            self.commands.append(Command())

    def toggle(self, quote: str) -> None:
        self.quote = "" if self.quote else quote
        self.region += 1
        if self.word is None:
            self.word = Inner()


def commands(text: str) -> list[Command]:
    """Return the simple commands of a shell text, in order."""
    reader = _Reader()
    position = 0
    while position < len(text):
        if run := PLAIN[reader.quote].match(text, position):
            reader.add_run(run[0], position)
            position = run.end()
            continue
        character, after = text[position], text[position + 1 : position + 2]
        if character == "\\" and after and (not reader.quote or after in '"\\$`'):
            reader.add(after, position, position + 2)
            position += 2
            continue
        if character == reader.quote or (character in "'\"" and not reader.quote):
            reader.toggle(character)
        elif not reader.quote and character in SEPARATORS:
            reader.end_command(character)
        elif not reader.quote and character.isspace():
            reader.end_word()
        else:
            reader.add(character, position, position + 1, expands=character == "$")
        position += 1
    reader.end_command("")
    return [command for command in reader.commands if command.words]
