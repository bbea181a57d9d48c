"""One connection to the API server that speaks JSON and raises our own exceptions.

kubernetes.aio brings authentication and TLS (in a Pod the token file is read again every minute, as Kubernetes
rotates it); we use nothing else of it, since its models and its informer know no custom resources.
Retrying is the caller's business: only the caller knows whether a second try is safe.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from yaml import YAMLError

from webhook.cluster.errors import ClusterError, Unavailable, error_of

Json = dict[str, Any]

CONNECTIONS_LIMIT = 128
"""50 held calls may come free at once and make two requests each; beside them run five watches and our loops."""

REQUEST_TIMEOUT_S = 10.0
PAGE_LIMIT = 500
"""Objects a page, as client-go's reflector asks for."""

MERGE_PATCH = "application/merge-patch+json"
USER_AGENT = "kubescrow-webhook"
IMPERSONATING = ("as", "as-uid", "as-groups", "as-user-extra")
"""Source: k8s.io/client-go/tools/clientcmd/api/v1 AuthInfo."""


class Cluster:
    """The API server, as JSON. Safe for any number of tasks at once."""

    def __init__(
        self, api: ApiClient, *, refresh: asyncio.Task[None] | None = None, user_agent: str = USER_AGENT
    ) -> None:
        self._api = api
        self._refresh = refresh
        self._user_agent = user_agent

    @classmethod
    async def connect(
        cls, kubeconfig: Path | None = None, *, context: str = "", user_agent: str = USER_AGENT
    ) -> "Cluster":
        """Make a client from a kubeconfig file, or from the Pod that we run in. Sends nothing yet.

        `kubeconfig` may be several files, as in the variable KUBECONFIG; `context` = "" is the file's current one.

        Raises:
            ClusterError: there is neither, or the file cannot be used.
        """
        place = f"kubeconfig {kubeconfig}" if kubeconfig else "this Pod's ServiceAccount"
        configuration = Configuration(connection_pool_maxsize=CONNECTIONS_LIMIT)
        # Verified as client-go does: from 3.13 on Python also refuses CAs that lack optional extensions.
        configuration.disable_strict_ssl_verification = True
        refresh: asyncio.Task[None] | None = None
        try:
            if kubeconfig is None:
                config.load_incluster_config(client_configuration=configuration)
            else:
                loader = await config.load_kube_config(
                    config_file=str(kubeconfig),
                    context=context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
                _check_no_impersonation(loader)
                refresh = asyncio.create_task(config.refresh_token(loader, configuration))
        except (config.ConfigException, OSError, ValueError, TypeError, YAMLError) as err:
            why = str(err).splitlines()[0] if isinstance(err, config.ConfigException) else "it cannot be read as one"
            raise ClusterError(f"no access to a cluster by {place}: {why}") from err
        try:
            return cls(ApiClient(configuration), refresh=refresh, user_agent=user_agent)
        except (OSError, ValueError) as err:  # ssl.SSLError is an OSError
            raise ClusterError(f"no access to a cluster by {place}: its certificates cannot be used") from err

    @property
    def configuration(self) -> Configuration:
        """Where the API server is and by which CA it is known; holds credentials, so show nothing of it as a whole."""
        return self._api.configuration

    async def close(self) -> None:
        """Close all connections."""
        if self._refresh is not None:
            self._refresh.cancel()
        await self._api.close()

    async def request(  # noqa: PLR0913 - an HTTP request has that many parts; all but two have defaults
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | Sequence[Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Json:
        """Send one request and return the answered object.

        Raises:
            ClusterError: one of its subclasses, see `errors`.
        """
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self._response(
            method, path, query=query, body=body, headers=self._headers(content_type, accept), timeout=timeout
        ) as response:
            answer = _object(await response.read())
            if response.status >= 300 or answer is None:
                raise error_of(
                    f"{method} {path}",
                    response.status if response.status >= 300 else 502,
                    answer or {"message": "the answer is no JSON object"},
                    retry_after=response.headers.get("Retry-After"),
                )
            return answer

    async def stream(
        self, path: str, query: Mapping[str, str], *, timeout_s: float, silence_s: float | None = None
    ) -> AsyncIterator[Json]:
        """Yield the events of a watch, `{"type", "object"}`, until the server ends it.

        `timeout_s` bounds the whole watch, `silence_s` the time without a byte.

        Raises:
            ClusterError: also for an ERROR event; `Gone` = list again.
        """
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_read=silence_s)
        async with self._response(
            "GET", path, query={**query, "watch": "true"}, headers=self._headers(), timeout=timeout
        ) as response:
            if response.status >= 300:
                raise error_of(f"WATCH {path}", response.status, _object(await response.read()) or {})
            async for line in _lines(response):
                event = _object(line)
                if event is None:
                    raise Unavailable(f"WATCH {path}: an event is no JSON object")
                if event.get("type") == "ERROR":
                    status = event.get("object") or {}
                    raise error_of(f"WATCH {path}", int(status.get("code") or 500), status)
                yield event

    async def get(self, path: str, *, timeout_s: float = REQUEST_TIMEOUT_S) -> Json:
        """Read one object, live."""
        return await self.request("GET", path, timeout_s=timeout_s)

    async def list_all(self, path: str, *, query: Mapping[str, str] | None = None) -> list[Json]:
        """Read a whole collection, in pages.

        Raises:
            Gone: it took so long that the server forgot where it was; start again.
        """
        return (await self.list_versioned(path, query=query))[0]

    async def list_versioned(self, path: str, *, query: Mapping[str, str] | None = None) -> tuple[list[Json], str]:
        """Do the same as `list_all`, and return also the resourceVersion to watch from."""
        items: list[Json] = []
        page_query = {**(query or {}), "limit": str(PAGE_LIMIT)}
        while True:
            page = await self.request("GET", path, query=page_query)
            items += page.get("items") or ()
            metadata = page.get("metadata") or {}
            if not metadata.get("continue"):
                return items, str(metadata.get("resourceVersion", ""))
            page_query["continue"] = metadata["continue"]

    async def create(self, path: str, body: Json) -> Json:
        """POST an object to its collection's path."""
        return await self.request("POST", path, body=body)

    async def replace(self, path: str, body: Json) -> Json:
        """PUT an object; with `metadata.resourceVersion` in it this is compare and swap."""
        return await self.request("PUT", path, body=body)

    async def patch(self, path: str, body: Json) -> Json:
        """Send a JSON merge patch."""
        return await self.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    async def delete(self, path: str, *, options: Json | None = None) -> Json:
        """DELETE an object. `options` are DeleteOptions, e.g. preconditions."""
        return await self.request("DELETE", path, body=options or {})

    def _headers(self, content_type: str = "application/json", accept: str = "application/json") -> dict[str, str]:
        return {"Content-Type": content_type, "Accept": accept, "User-Agent": self._user_agent}

    @contextlib.asynccontextmanager
    async def _response(  # noqa: PLR0913 - as `request`
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | Sequence[Any] | None = None,
        headers: dict[str, str],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, it knows total and silence
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            answer = await self._api.rest_client.request(
                method, url, headers=headers, body=body, _request_timeout=timeout
            )
            async with answer.response as response:
                yield response
        except TimeoutError as err:
            raise Unavailable(f"{method} {path}: no answer in time") from err
        except (aiohttp.ClientError, OSError, config.ConfigException) as err:
            raise Unavailable(f"{method} {path}: no connection ({type(err).__name__})") from err


def _check_no_impersonation(loader: Any) -> None:
    """Refuse a user with `as`, which kubernetes.aio ignores: somebody would act as another than they think."""
    user = getattr(loader, "_user", None)
    if user is not None and any(key in user for key in IMPERSONATING):
        raise config.ConfigException("its user impersonates somebody (as), which is not supported; use another context")


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Split by line ourselves: aiohttp's own reader refuses lines that an object of 3 MiB can reach."""
    parts: list[bytes] = []
    async for chunk in response.content.iter_any():
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            yield b"".join((*parts, end))
            parts = []
        if rest:
            parts.append(rest)


def _object(text: bytes) -> Json | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
