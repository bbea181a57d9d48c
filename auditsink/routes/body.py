"""Reads a request's body within limits: its own size, all bodies together, and time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import Request

from auditsink import metrics

READ_S = 60.0
"""Time for a whole body. The API server gives a request 30 s; twice that, for a relay between."""


class TooLarge(Exception):
    """The body is longer than the limit."""


class TooSlow(Exception):
    """The body did not come in time."""


class Crowded(Exception):
    """The bodies of all requests together are over the limit; the sender should come again."""


class InFlight:
    """Bytes of bodies in memory, of all requests."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._bytes = 0

    def take(self, count: int) -> None:
        """Reserve bytes. Raises Crowded if they are not left."""
        if self._bytes + count > self._limit:
            raise Crowded
        self._change(count)

    def give_back(self, count: int) -> None:
        """Release bytes."""
        self._change(-count)

    def _change(self, count: int) -> None:
        self._bytes += count
        metrics.IN_FLIGHT_BYTES.set(self._bytes)


@contextlib.asynccontextmanager
async def whole_body(request: Request, *, limit_bytes: int, in_flight: InFlight) -> AsyncIterator[bytearray]:
    """Read the body and hold its bytes in the account until the context ends.

    A declared length is reserved, and refused, before the first byte is read.

    Raises:
        TooLarge, TooSlow, Crowded: see there.
        ClientDisconnect: the sender went away.
    """
    reserved = _declared(request)
    if reserved > limit_bytes:
        raise TooLarge
    in_flight.take(reserved)
    body = bytearray()
    try:
        async with _deadline():
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit_bytes:
                    raise TooLarge
                if len(body) > reserved:
                    in_flight.take(len(body) - reserved)
                    reserved = len(body)
        yield body
    finally:
        in_flight.give_back(reserved)


@contextlib.asynccontextmanager
async def _deadline() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(READ_S):
            yield
    except TimeoutError as err:
        raise TooSlow from err


def _declared(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0
