"""What can go wrong between us and the API server: one class for each way of reacting.

Messages are for the operator: method, path, status, the server's words. The server quotes what it refuses, so
for Secrets and webhook configurations (a secret is in their path) only the names of the fields are kept.

    ClusterError
      NotFound        there is no such object, or no such API
      AlreadyExists   somebody was quicker: read theirs
      Conflict        the object changed meanwhile: read again, decide again
      Forbidden       our credentials or permissions do not suffice: tell the operator
      Gone            the resourceVersion is too old: list again
      Unavailable     no answer, or none now: try again later; a write may have happened
      Refused         the server will never accept this
"""

from collections.abc import Mapping
from typing import Any


class ClusterError(Exception):
    """The API server did not do what we asked.

    `status` is the HTTP status, 0 when there was no answer; `words` is what the server said, as far as it is kept.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "", words: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.words = words


class NotFound(ClusterError):
    """There is no such object, or no such API."""


class AlreadyExists(ClusterError):
    """An object of this name exists."""


class Conflict(ClusterError):
    """The object changed since it was read."""


class Forbidden(ClusterError):
    """We are not authenticated (401) or may not do this (403)."""


class Gone(ClusterError):
    """The resourceVersion or continue token is too old."""


class Unavailable(ClusterError):
    """No answer in time, or the server asks to come back later. A write may have happened nevertheless."""

    def __init__(
        self, message: str, *, status: int = 0, reason: str = "", words: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, status=status, reason=reason, words=words)
        self.retry_after_s = retry_after_s


class Refused(ClusterError):
    """The request is wrong and stays wrong."""


_BY_STATUS: Mapping[int, type[ClusterError]] = {
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    410: Gone,
    429: Unavailable,
}

_QUOTES_SECRETS = ("/secrets", "webhookconfigurations")


def error_of(request: str, status: int, answer: Mapping[str, Any], *, retry_after: str | None = None) -> ClusterError:
    """Turn an answer that is no success into the exception to raise.

    `request` is method and path without query; `answer` is a `v1` Status, or empty; `retry_after` is the header.
    """
    reason = str(answer.get("reason") or "")
    quotes_secrets = any(word in request for word in _QUOTES_SECRETS)
    words = _field_names(answer) if quotes_secrets else str(answer.get("message") or "")
    message = f"{request}: {' '.join(str(part) for part in (status, reason, words) if part)}"
    if status == 409 and reason == "AlreadyExists":
        return AlreadyExists(message, status=status, reason=reason, words=words)
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 else Refused)
    if issubclass(kind, Unavailable):
        retry_after_s = float(retry_after) if retry_after and retry_after.isdecimal() else None
        return kind(message, status=status, reason=reason, words=words, retry_after_s=retry_after_s)
    return kind(message, status=status, reason=reason, words=words)


def _field_names(answer: Mapping[str, Any]) -> str:
    causes = (answer.get("details") or {}).get("causes") or ()
    return ", ".join(sorted({str(cause["field"]) for cause in causes if cause.get("field")}))
