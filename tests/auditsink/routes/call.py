"""Calls an ASGI application directly, so that a test sees whether its body was read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """What came back."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks_read: int = 0


async def call(
    app: Any, method: str, path: str, *, headers: Mapping[str, str] | None = None, chunks: Iterable[bytes | None] = ()
) -> Answer:
    """Send one request. A chunk that is None: the sender is gone. After the last chunk the body ends."""
    answer = Answer()
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        answer.chunks_read += 1
        if not left:
            return {"type": "http.request", "body": b"", "more_body": False}
        chunk = left.pop(0)
        if chunk is None:
            return {"type": "http.disconnect"}
        if chunk == b"never":
            await asyncio.Event().wait()
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    path, _, query = path.partition("?")
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "root_path": "", "scheme": "https", "server": ("sink", 443), "client": ("1.2.3.4", 5), "http_version": "1.1",
    }  # fmt: skip
    await app(scope, receive, send)
    return answer
