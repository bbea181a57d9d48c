"""Value rules: what is a secret wherever it stands, known by its own shape.

A rule finds the secret span only: the password of a URL, not the URL. Every pattern is linear (bounded or possessive
repeats), because anybody may write the text. Tokens of providers are a table of their own, in `tokens.py`.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote_plus

from masking.names import is_secret_name
from masking.structure import Span
from masking.tokens import TOKENS

# $(NAME), ${NAME}, $NAME, $(command ...): a reference to a secret is none.
REFERENCE = re.compile(r"\$(?:\([^)]*+\)?|\{[A-Za-z_]\w*\}|[A-Za-z_]\w*+|)", re.ASCII)
# Parameters that make a URL a key.
SIGNATURES = frozenset(("sig", "signature", "x-amz-signature", "x-goog-signature", "x-amz-security-token"))

SWITCHES = frozenset(("true", "false", "yes", "no", "on", "off", "null", "none"))  # no secret, whatever its name
# Before "=" in any text; weaker names (secret, token) count only where a channel knows the place.
STRONG = (
    r"(?:passw(?:or)?d|passphrase|\bpwd|(?:api|secret|private|account|shared[_-]?access)[_-]?key"
    r"|(?:access|auth)[_-]?token|client[_-]?secret)"
)
VALUE = r"""(?:"(?P<a>[^"]++)"|'(?P<b>[^']++)'|(?P<c>[^\s"'&;,|<>]++))"""
SCHEMES = r"(?:Bearer|Basic|Token|ApiKey|Digest|Negotiate|AWS4-HMAC-SHA256)"

Accept = Callable[[re.Match[str]], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A value rule: `find` yields the secret spans of a text."""

    id: str
    needles: tuple[str, ...]  # lower case; a text without any of them (in any case) holds nothing
    find: Callable[[str], Iterable[Span]]


def _rule(rule: str, needles: tuple[str, ...], pattern: str, accept: Accept = lambda _: True) -> Rule:
    """Return a rule whose secret is the first group that matched, or the whole match of a pattern without groups."""
    compiled = re.compile(pattern, re.ASCII)

    def find(text: str) -> Iterator[Span]:
        for match in compiled.finditer(text):
            if accept(match):
                yield Span(*match.span(match.lastgroup or match.lastindex or 0), rule)

    return Rule(rule, needles, find)


def is_reference(value: str) -> bool:
    """Tell whether a value only names where the secret is: $(NAME), ${NAME}, $NAME, $(command)."""
    return REFERENCE.fullmatch(value) is not None


def _no_reference(match: re.Match[str]) -> bool:
    return not is_reference(match[match.lastgroup or match.lastindex or 0])


def _is_assigned(match: re.Match[str]) -> bool:
    return _no_reference(match) and match[match.lastgroup or 0].lower() not in SWITCHES


def _is_basic(match: re.Match[str]) -> bool:
    """Tell `Basic dXNlcjpwYXNz` (base64 of user:password) from "Basic authentication"."""
    try:
        return b":" in base64.b64decode(match[1] + "=" * (-len(match[1]) % 4), validate=True)
    except binascii.Error:
        return False


def _is_secret_parameter(match: re.Match[str]) -> bool:
    name = unquote_plus(match[1])
    return (is_secret_name(name) or name.lower() in SIGNATURES) and not is_reference(match[2])


def _jwts(text: str) -> Iterator[Span]:
    """Find three to five base64url parts of which the first is a JSON object ({" is eyJ)."""
    for match in re.finditer(r"(?<![\w-])([\w-]++)(?:\.[\w-]*+){2,4}", text, re.ASCII):
        start = match[1].find("eyJ")
        if start >= 0 and len(match[1]) - start >= 10:
            yield Span(match.start() + start, match.end(), "jwt")


def _private_keys(text: str) -> Iterator[Span]:
    """Find what stands between BEGIN ... PRIVATE KEY and END, or the end of a text that was cut."""
    position = 0
    while match := _BEGIN.search(text, position):
        end = text.find("-----END", match.end())
        position = len(text) if end < 0 else end
        start, stop = match.end(), position
        if blank := _BLANK.match(text, start, stop):
            start = blank.end()
        body = text[start:stop]
        stop -= len(body) - len(_BLANK_END.sub("", body))
        if start < stop:
            yield Span(start, stop, "pem-keys")


_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BLANK = re.compile(r"(?:\s|\\[nr])*+")  # also the two characters \n, as in JSON inside a string
_BLANK_END = re.compile(r"(?<![\s])(?:\s|\\[nr])+\Z")


def _encoded_private_keys(text: str) -> Iterator[Span]:
    """Find the base64 form of a PEM private key, as in kubeconfigs."""
    for match in re.finditer(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]*+=*+", text):
        head = match[0][:80]  # 60 bytes: the longest BEGIN line has 41
        if b"PRIVATE KEY" in base64.b64decode(head[: len(head) // 4 * 4]):
            yield Span(*match.span(), "encoded-pem-keys")


def random_segments(text: str, kind: str) -> Iterator[Span]:
    """Yield the segments of a path that look like 128 random bits: 32 hex digits, or 22 of base64url, and more."""
    for match in _SEGMENT.finditer(text):
        if match[1].lower() != match[1] != match[1].upper() or _HEX.fullmatch(match[1]):
            yield Span(*match.span(1), kind)


def _webhook_urls(text: str) -> Iterator[Span]:
    """Find the secret path in: failed calling webhook "x": ... Post "https://host/secret?timeout=10s": reason."""
    for match in re.finditer(r"https?://[^\s\"?]++", text):
        for span in random_segments(match[0], "webhook-urls"):
            yield Span(match.start() + span.start, match.start() + span.end, span.kind)


_HEX = re.compile(r"[0-9a-f]{32,}")
_SEGMENT = re.compile(r"/([A-Za-z0-9_-]{22,}+)(?=[/?#]|\Z)")

RULES: tuple[Rule, ...] = (
    Rule("jwt", ("eyj",), _jwts),
    Rule("pem-keys", ("private key",), _private_keys),
    Rule("encoded-pem-keys", ("ls0tls1crudjti",), _encoded_private_keys),
    _rule(
        "url-credentials",
        ("://",),
        # A slash in a password is against the rules and common; digits and a slash are a port.
        r"""://[^\s:/?#@"'<>]{0,256}+:(?!\d{1,5}[/?#])([^\s/?#"'<>]{1,512}|[^\s"'<>@]{1,512}+)@""",
        _no_reference,
    ),
    _rule(
        "authorization",
        ("authorization",),
        r"""(?i)authorization\\{0,3}+["']?[ \t]{0,4}+[:=][ \t]{0,4}+\\{0,3}+["']?"""
        rf"""(?:{SCHEMES}[ \t]++([^\s"'\\]++)|(?!{SCHEMES}(?:[\s"'\\]|\Z))([^\s"'\\][^\n"'\\]*+))""",
        _no_reference,
    ),
    _rule("bearer-tokens", ("bearer",), r"(?i)\bbearer\s++((?=[a-z._~+/=-]*+[0-9])[\w.~+/=-]{12,}+)"),
    _rule("basic-credentials", ("basic",), r"(?i)\bbasic\s++([A-Za-z0-9+/]{8,}+={0,2}+)", _is_basic),
    _rule(
        "query-parameters",
        ("?", "&"),
        r"""[?&]([\w.%\[\]-]{1,128}+)=([^&\s"'#<>]++)""",
        _is_secret_parameter,
    ),
    _rule(
        "assignments",
        ("password=", "passwd=", "passphrase=", "pwd=", "key=", "token=", "secret="),
        rf"(?i){STRONG}=(?:{VALUE})",
        _is_assigned,
    ),
    _rule(
        "sql-passwords",
        ("identified", "password"),
        r"(?i)\b(?:identified\s++by|password)\s++'((?:[^'\\]|\\.|'')++)'",
    ),
    Rule("webhook-urls", ("failed calling webhook", "failed to call webhook"), _webhook_urls),
    *(_rule(rule, needles, pattern) for rule, needles, pattern in TOKENS),
)
