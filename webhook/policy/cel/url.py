"""URLs in CEL: `url("https://host:80/path?a=b")` and its parts.

Read as Go reads the URI of a request: absolute, or a path that begins with `/`; a fragment belongs to the path.

Source: k8s.io/apiserver/pkg/cel/library/urls.go, Go's net/url (ParseRequestURI)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from cel_expr_python import cel

from webhook.policy.cel.declare import BOOL, STRING, STRINGS, THING, Function, function, member, text_of, thing

KIND = "url"
_SCHEME = re.compile(r"([a-zA-Z][-+.a-zA-Z0-9]*):(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
# In a host only bytes outside of ASCII may be escaped, and `%` itself.
_BAD_HOST_ESCAPE = re.compile(r"%(?:(?!25)[0-7])")
_HOST = re.compile(r"""(?:[-a-zA-Z0-9_.~!$&'()*+,;=:<>"\[\]%]|[^\x00-\x7f])*""")
_USER = re.compile(r"[-a-zA-Z0-9._:~!$&'()*+,;=%@]*")
_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?")
_PATH = re.compile(r"[-a-zA-Z0-9_.~!$&'()*+,;=:@/\[\]%]*")
_PATH_SAFE = "-_.~$&+,/:;=@"


@dataclass(frozen=True, slots=True)
class Url:
    """The parts; the path is still escaped."""

    scheme: str
    host: str
    path: str
    query: str


def parse(text: str) -> Url:
    """Read a URL.

    Raises:
        ValueError: it is neither absolute nor an absolute path, or is malformed.
    """
    if not text or _CONTROL.search(text) or text.startswith(":"):
        raise ValueError("not a URL")
    found = _SCHEME.fullmatch(text)
    scheme, rest = (found[1].lower(), found[2]) if found else ("", text)
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if scheme:  # as in mailto:somebody
            return Url(scheme, "", "", query)
        if rest != "*":
            raise ValueError("not a URL")
    host = ""
    if scheme and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        host, rest = _host(authority), slash + path
    if _BAD_ESCAPE.search(rest):
        raise ValueError("not a URL")
    return Url(scheme, host, rest, query)


def _host(authority: str) -> str:
    user, at, host = authority.rpartition("@")
    is_right = (
        _AUTHORITY.fullmatch(host)
        and _HOST.fullmatch(host)
        and not _BAD_ESCAPE.search(authority)
        and not _BAD_HOST_ESCAPE.search(host)
        and (not at or _USER.fullmatch(user))
    )
    if not is_right:
        raise ValueError("not a URL")
    return unquote(host)


def _is_url(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _made(text: str) -> dict[str, str]:
    parse(text)
    return thing(KIND, text)


def _url(value: Mapping[str, Any]) -> Url:
    return parse(text_of(KIND, value))


def _hostname(value: Mapping[str, Any]) -> str:
    found = _AUTHORITY.fullmatch(_url(value).host)
    return found[1].removeprefix("[").removesuffix("]") if found else ""


def _port(value: Mapping[str, Any]) -> str:
    found = _AUTHORITY.fullmatch(_url(value).host)
    return (found[2] or "") if found else ""


def _escaped_path(value: Mapping[str, Any]) -> str:
    path = _url(value).path
    return path if _PATH.fullmatch(path) else quote(unquote(path), safe=_PATH_SAFE)


def _query(value: Mapping[str, Any]) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for part in _url(value).query.split("&"):
        if part and ";" not in part and not _BAD_ESCAPE.search(part):
            key, _, found = part.partition("=")
            pairs.setdefault(unquote_plus(key), []).append(unquote_plus(found))
    return pairs


FUNCTIONS: tuple[Function, ...] = (
    function("url", [STRING], THING, _made),
    function("isURL", [STRING], BOOL, _is_url),
    member("getScheme", [THING], STRING, lambda value: _url(value).scheme),
    member("getHost", [THING], STRING, lambda value: _url(value).host),
    member("getHostname", [THING], STRING, _hostname),
    member("getPort", [THING], STRING, _port),
    member("getEscapedPath", [THING], STRING, _escaped_path),
    member("getQuery", [THING], cel.Type.Map(STRING, STRINGS), _query),
)
