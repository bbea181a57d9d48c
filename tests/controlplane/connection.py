"""One connection to kube-apiserver that is kept for many requests, as one identity."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

REQUEST_TIMEOUT_S = 60.0


class Connection:
    """Sends one request after another. kube-apiserver may end it between two of them; then it is opened anew."""

    def __init__(self, host: str, tls: ssl.SSLContext, token: str | None) -> None:
        """Prepare it for `host:port`; a token is sent as a bearer token."""
        self._connection = http.client.HTTPSConnection(host, context=tls, timeout=REQUEST_TIMEOUT_S)
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request.

        `body` is sent as JSON, or as it is if it is bytes. Returns the status and the body: parsed if the server
        calls it JSON, else text.
        """
        sent = {"Accept": "application/json", "Content-Type": "application/json", **(headers or {})}
        if self._token is not None:
            sent.setdefault("Authorization", f"Bearer {self._token}")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        self._connection.request(method, path, body=data, headers=sent)
        response = self._connection.getresponse()
        text = response.read().decode()
        is_json = response.headers.get_content_type().endswith("json")
        return response.status, json.loads(text) if is_json else text
