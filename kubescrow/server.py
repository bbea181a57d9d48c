"""The query API of an auditsink, asked with a Kubernetes token. Nothing of the token is ever in a text."""

import http.client
import ipaddress
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import orjson

from auditsink.replay.step import Seen
from auditsink.store.queries import Session

TIMEOUT_S = 30
PAGE = 500
"""Items that are asked for at once; a page of large events ends earlier."""

T = TypeVar("T")

_SEEN = tuple(field.name for field in fields(Seen))
_SESSION = tuple(field.name for field in fields(Session))


class ServerFailed(Exception):
    """The server cannot be asked, or does not answer what was asked; the text tells the user why."""


class _NotRecorded(ServerFailed):
    """The server knows no such thing."""


class Server:
    """One auditsink; see `source.Source`."""

    def __init__(self, url: str, *, token: str, ca: Path | None) -> None:
        """Prepare it; sends nothing yet.

        Raises:
            ServerFailed: the URL is not allowed, or `ca` is no certificate.
        """
        self._base = f"{_checked(url)}/api/v1/clusters"
        self._headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            tls = ssl.create_default_context(cafile=str(ca) if ca else None)
        except OSError as err:
            raise ServerFailed(f"{url}: --ca {ca}: not a readable CA certificate") from err
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=tls), _NoRedirects()]
        if urlsplit(url).scheme == "http":
            handlers.append(urllib.request.ProxyHandler({}))  # a token in plain text stays on this machine
        self._opener = urllib.request.build_opener(*handlers)

    def clusters(self) -> list[str]:
        """See `Source`."""
        return self._get("", lambda page: [str(name) for name in page["items"]])

    def sessions(self, cluster: str, *, user: str) -> Iterator[Session]:
        """See `Source`."""
        return self._pages(f"/{_quoted(cluster)}/sessions", _session, username=user)

    def session(self, cluster: str, session: str) -> Session | None:
        """See `Source`."""
        return self._find(f"/{_quoted(cluster)}/sessions/{_quoted(session)}", _session)

    def seen(self, cluster: str, session: str) -> Iterator[Seen]:
        """See `Source`."""
        return self._pages(f"/{_quoted(cluster)}/sessions/{_quoted(session)}/events", _event)

    def birth(self, cluster: str, credential: str) -> Mapping[str, Any] | None:
        """See `Source`."""
        return self._find(f"/{_quoted(cluster)}/births/{_quoted(credential)}", lambda found: dict(found["event"]))

    def _pages(self, path: str, made: Callable[[Mapping[str, Any]], T], **query: str) -> Iterator[T]:
        after: str | None = ""
        while after is not None:
            items, after = self._get(
                path,
                lambda page: ([made(item) for item in page["items"]], page["next"]),
                limit=str(PAGE),
                after=after,
                **query,
            )
            yield from items

    def _find(self, path: str, made: Callable[[Mapping[str, Any]], T]) -> T | None:
        try:
            return self._get(path, made)
        except _NotRecorded:
            return None

    def _get(self, path: str, made: Callable[[Any], T], **query: str) -> T:
        """Ask for a document, and return what `made` makes of it."""
        url = self._base + path
        request = urllib.request.Request(f"{url}?{urlencode(query)}", headers=self._headers)  # noqa: S310 -- checked
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                content = answer.read()
        except urllib.error.HTTPError as err:
            with err:
                raise (_NotRecorded if err.code == 404 else ServerFailed)(f"{url}: {err.code} {_said(err)}") from err
        except (OSError, ValueError, http.client.HTTPException) as err:
            raise ServerFailed(f"{url}: no answer: {_reason(err)}") from err
        try:
            return made(orjson.loads(content))
        except (KeyError, TypeError, AttributeError, ValueError) as err:
            raise ServerFailed(f"{url}: this does not answer like an auditsink") from err


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token is for the server that was named; it is not carried to another."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none; the status becomes an error."""


def _checked(url: str) -> str:
    """Return the URL without its last slash.

    Raises:
        ServerFailed: a token would travel in plain text, or it is no URL of a server.
    """
    try:
        parts = urlsplit(url)
        host, is_wrong = parts.hostname or "", parts.port == 0
    except ValueError:
        parts, host, is_wrong = urlsplit(""), "", True
    is_wrong = is_wrong or not host or "@" in parts.netloc or bool(parts.query or parts.fragment)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))
    if is_wrong or not is_safe or not url.isprintable() or " " in url:
        shown = url if "@" not in url else "with a user in it"  # and perhaps with a password
        raise ServerFailed(f"{shown}: allowed: https://HOST[:PORT][/PATH], or http:// on this machine")
    return url.rstrip("/")


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _said(err: urllib.error.HTTPError) -> str:
    """Return the server's own words, or what the status means."""
    try:
        said = str(orjson.loads(err.read())["error"])
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        said = str(err.reason)
    return f"{said}; see --token and KUBESCROW_TOKEN" if err.code == 401 else said


def _reason(err: Exception) -> str:
    """Say why there is no answer, in words that hold nothing of what was sent."""
    cause = err.reason if isinstance(err, urllib.error.URLError) and isinstance(err.reason, Exception) else err
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({cause.verify_message}); --ca names the CA that signed it"
    for kind, text in _REASONS:
        if isinstance(cause, kind):
            return text
    said = cause.strerror if isinstance(cause, OSError) else None
    return (said or type(cause).__name__).lower()


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLError, "it does not speak TLS, or not with us"),
    (socket.gaierror, "there is no host of this name"),
    (TimeoutError, f"not within {TIMEOUT_S} s"),
    (http.client.HTTPException, "it does not speak HTTP"),
    (ValueError, "the token has characters that no token has"),  # http.client refuses the header
)


def _session(item: Mapping[str, Any]) -> Session:
    by_code = {int(code): count for code, count in item["by_code"].items()}
    return Session(**{**{name: item[name] for name in _SESSION}, "by_code": by_code})


def _event(item: Mapping[str, Any]) -> Seen:
    return Seen(**{name: item[name] for name in _SEEN})
