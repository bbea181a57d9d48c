"""Which parts of a command line are secret: values of flags and assignments by name, short flags by program.

The argument vector of a container, a probe or an exec; the text after `-c`, and texts with blanks in them, are read
as shell text as well. Only the secret is marked, never the flag or the command.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from masking.names import is_secret_name
from masking.programs import LOGIN_ONLY, PROGRAMS, READ_STDIN, TAKE_TEXT, How
from masking.rules import SWITCHES, is_reference
from masking.shell import Command, commands
from masking.structure import Span

NAMED = re.compile(r"(?:^|(?<=[=,]))(?:--?)?([A-Za-z_][\w.\[\]/-]{0,127}+)=", re.ASCII)
FLAG = re.compile(r"--?[A-Za-z][\w.-]*+", re.ASCII)
COMMAND_FLAG = re.compile(r"-[a-z]*c")  # sh -c, bash -ec, su -c
HEADER = re.compile(r"([A-Za-z][\w-]{0,63}+):[ \t]*+(\S.*)", re.ASCII | re.DOTALL)
MEMBER = re.compile(
    r"""["']([\w.-]{1,128}+)["']\s{0,8}+:\s{0,8}+(?:"((?:[^"\\]|\\.)++)"|'([^']++)'|([\w.+-]++))""", re.ASCII
)
CONTEXT_REFERENCE = re.compile(r"\$\([A-Za-z_][\w.-]*\)", re.ASCII)  # the kubelet expands it, and nothing else
NESTED = 3  # sh -c "su -c 'psql ...'"
BREAKS = frozenset(" \n\t;|&")

Found = tuple[int, Span]  # which argument, and where in it


@dataclass(frozen=True, slots=True)
class Word:
    """One argument as a program sees it."""

    text: str
    expands: bool = False  # a shell put the value of a $NAME into it
    shell: bool = False  # it is itself shell text
    literal: bool = False  # it is a literal of `kubectl create secret`


def argument_spans(
    argv: Sequence[str], kind: str, *, nested: int = 0, expanding: Sequence[bool] = ()
) -> Iterator[Found]:
    """Yield (index, span) for the secrets of an argument vector; `expanding` tells which words hold an unquoted $."""
    program, login, secret, text, expected = "", False, False, False, ""
    for index, raw in enumerate(argv):
        before = argv[index - 1] if index else ""
        shell = text or COMMAND_FLAG.fullmatch(before) is not None
        literal = secret and (before == "--from-literal" or raw.startswith("--from-literal="))
        word = Word(raw, index < len(expanding) and expanding[index], shell, literal)
        name = raw.rsplit("/", 1)[-1]
        if expected and not (expected == "value" and FLAG.fullmatch(raw.split("=", 1)[0])):
            yield from ((index, span) for span in _from(word, _after_colon(raw) if expected == "colon" else 0, kind))
            expected = ""
            continue
        program = name if name in PROGRAMS else program
        login, secret, text = login or raw == "login", secret or raw == "secret", text or name in TAKE_TEXT
        start, expected = _flag(program, raw, login=login)
        yield from ((index, span) for span in (*_from(word, start, kind), *word_spans(word, kind, nested=nested)))


def word_spans(word: Word, kind: str, *, nested: int = 0) -> Iterator[Span]:
    """Yield the secret spans of one argument by itself."""
    breaks = not BREAKS.isdisjoint(word.text)
    if not (breaks and word.shell):
        yield from _assignments(word, kind)
        header = HEADER.fullmatch(word.text)
        if header and is_secret_name(header[1]) and header[1].lower() != "authorization":
            yield from _from(word, header.start(2), kind)
    for match in MEMBER.finditer(word.text):
        if is_secret_name(match[1]) and match[4] not in SWITCHES:
            yield Span(*match.span(match.lastindex or 0), kind)
    if breaks and nested < NESTED:
        yield from shell_spans(word.text, kind, nested=nested + 1)


def shell_spans(text: str, kind: str, *, nested: int = 0) -> Iterator[Span]:
    """Yield the secret spans of a shell text."""
    following: Command | None = None
    for command in reversed(commands(text)):
        words = [word.text for word in command.words]
        expanding = [word.expands for word in command.words]
        for index, span in argument_spans(words, kind, nested=nested, expanding=expanding):
            yield from command.words[index].outer([span])
        if command.piped and following and _reads_password(following) and words[0] in ("echo", "printf"):
            pairs = following.words[0].text == "chpasswd"  # USER:PASSWORD
            for inner in command.words[1:]:
                if not inner.text.startswith("-"):
                    start = _after_colon(inner.text) if pairs else 0
                    yield from inner.outer(_from(Word(inner.text, inner.expands), start, kind))
        following = command


def _assignments(word: Word, kind: str) -> Iterator[Span]:
    """Yield the values in NAME=value, --name=value, --set a.name=value,b=c and --from-literal=a=value."""
    matches = list(NAMED.finditer(word.text))
    done = 0
    for number, match in enumerate(matches):
        secret = is_secret_name(match[1]) or (word.literal and match[1] != "from-literal")
        if not secret or match.start() < done:
            continue
        done = len(word.text)
        if match.start() or "." in match[1]:  # one of several: it ends where the next begins
            starts = (later.start() for later in matches[number + 1 :])
            done = next((start - 1 for start in starts if word.text[start - 1] == ","), done)
        yield from _from(word, match.end(), kind, end=done)


def _from(word: Word, start: int, kind: str, *, end: int | None = None) -> Iterator[Span]:
    """Yield the span of a word from start on, unless it is empty, a switch or a reference."""
    end = len(word.text) if end is None else end
    value = word.text[start:end]
    expanded = is_reference(value) if word.expands else CONTEXT_REFERENCE.fullmatch(value) is not None
    if value and value.lower() not in SWITCHES and not expanded:
        yield Span(start, end, kind)


def _flag(program: str, word: str, *, login: bool) -> tuple[int, How | str]:
    """Return where a secret begins in a flag, and what is expected of the next word ("" for nothing)."""
    nowhere = len(word)
    if login or program not in LOGIN_ONLY:
        for flag, how in PROGRAMS.get(program, {}).items():
            if word == flag and how != "attached":
                return nowhere, how
            if word.startswith(f"{flag}=") or (word.startswith(flag) and len(flag) == 2 and how != "next"):
                return (_after_colon(word) if how == "colon" else len(flag)), ""
    return nowhere, "value" if FLAG.fullmatch(word) and is_secret_name(word) else ""


def _after_colon(word: str) -> int:
    """Return where the password of user:password or user%password begins; the whole length if there is none."""
    return min((found + 1 for sign in ":%" if (found := word.find(sign)) >= 0), default=len(word))


def _reads_password(command: Command) -> bool:
    words = [word.text for word in command.words]
    return words[0] in READ_STDIN or any(word.endswith("-stdin") for word in words) or words[:2] == ["sudo", "-S"]
