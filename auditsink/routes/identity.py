"""Who may look: whoever Kubernetes lets. Recorded sessions are guarded as resources of the group `kubescrow.dev`.

The bearer token is checked by a TokenReview, the right by a SubjectAccessReview: `list` or `get` on
`sessions.kubescrow.dev`, `get` on the non-resource URL `/metrics`. A failed question is no permission.
Source: k8s.io/apiserver DelegatingAuthenticationOptions and DelegatingAuthorizationOptions.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105 - a path
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
TIMEOUT_S = 10.0

Attributes = Mapping[str, Any]


class NoCluster(Exception):
    """There is no way to ask Kubernetes; the text says why."""


class Unauthenticated(Exception):
    """No token, or none that Kubernetes knows."""


class Forbidden(Exception):
    """Who asks is known, or cannot be known, and may not look; the text says why."""


class Unavailable(Exception):
    """Kubernetes could not be asked."""


class Access(Protocol):
    """Decides who may look."""

    async def check(self, authorization: str, attributes: Attributes) -> None:
        """Return if the bearer of this Authorization header may do this.

        Raises:
            Unauthenticated, Forbidden, Unavailable: see there.
        """


def resource(verb: str, *, name: str = "") -> Attributes:
    """Return what a SubjectAccessReview asks about recorded sessions."""
    what = {"group": "kubescrow.dev", "resource": "sessions", "verb": verb}
    return {"resourceAttributes": what | ({"name": name} if name else {})}


METRICS: Attributes = {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}}


class Nobody:
    """Lets nobody look: there is no cluster that could say who may."""

    async def check(self, authorization: str, attributes: Attributes) -> None:
        """Refuse."""
        del authorization, attributes
        raise Forbidden("queries need a cluster that says who may look: set ESCROW_SINK_KUBECONFIG or run in a Pod")


class Kubernetes:
    """Asks the API server."""

    def __init__(self, api: ApiClient, refresh: "asyncio.Task[None] | None" = None) -> None:
        self._api = api
        self._refresh = refresh

    @classmethod
    async def connect(cls, kubeconfig: Path | None) -> "Kubernetes":
        """Make a client from a kubeconfig file, or from the Pod that we run in. Sends nothing yet.

        Raises:
            NoCluster: there is neither, or the file cannot be used.
        """
        configuration = Configuration()
        refresh: asyncio.Task[None] | None = None
        try:
            if kubeconfig is None:
                config.load_incluster_config(client_configuration=configuration)
            else:
                loader = await config.load_kube_config(
                    config_file=str(kubeconfig), client_configuration=configuration, persist_config=False
                )
                refresh = asyncio.create_task(config.refresh_token(loader, configuration))
        except (config.ConfigException, OSError, ValueError) as err:
            raise NoCluster(f"{kubeconfig or 'the ServiceAccount of this Pod'}: not usable to ask a cluster") from err
        return cls(ApiClient(configuration), refresh)

    async def close(self) -> None:
        """Close all connections."""
        if self._refresh is not None:
            self._refresh.cancel()
        await self._api.close()

    async def check(self, authorization: str, attributes: Attributes) -> None:
        """Return if the bearer may do this; see `Access`."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated
        user = await self._user(token.strip())
        spec = {
            "user": user.get("username", ""),
            "uid": user.get("uid", ""),
            "groups": user.get("groups") or [],
            "extra": user.get("extra") or {},
            **attributes,
        }
        status = await self._review(ACCESS_REVIEWS, "authorization.k8s.io/v1", "SubjectAccessReview", spec)
        if status.get("allowed") is not True or status.get("denied") is True:
            raise Forbidden(f"{spec['user']} may not {_shown(attributes)}")

    async def _user(self, token: str) -> dict[str, Any]:
        status = await self._review(TOKEN_REVIEWS, "authentication.k8s.io/v1", "TokenReview", {"token": token})
        if status.get("authenticated") is not True:
            raise Unauthenticated
        user: dict[str, Any] = status.get("user") or {}
        return user

    async def _review(self, path: str, version: str, kind: str, spec: Attributes) -> dict[str, Any]:
        """Create a review and return its status."""
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "kubescrow-auditsink",
        }
        body = {"apiVersion": version, "kind": kind, "spec": dict(spec)}
        try:
            await self._api.update_params_for_auth(headers, [], ["BearerToken"], path, "POST", body)
            answer = await self._api.rest_client.request(
                "POST",
                self._api.configuration.host + path,
                headers=headers,
                body=body,
                _request_timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            )
            async with answer.response as response:
                if response.status >= 300:
                    raise Unavailable(f"POST {path}: status {response.status}")
                content = await response.json(content_type=None)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError, config.ConfigException) as err:
            raise Unavailable(f"POST {path}: no answer ({type(err).__name__})") from err
        status: dict[str, Any] = content.get("status") or {}
        return status


def _shown(attributes: Attributes) -> str:
    what = attributes.get("resourceAttributes")
    return f"{what['verb']} sessions.kubescrow.dev" if what else "get /metrics"
