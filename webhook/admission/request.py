"""What the agent asks: one admission call as a frozen value.

Field names and meanings are those of `admission.k8s.io/v1` AdmissionRequest. Reading the bytes of a review
is `admission.review`; judging a request is `policy.evaluate`.

Source: k8s.io/api/admission/v1/types.go
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Object = Mapping[str, Any]
"""A Kubernetes object, or any part of one, as JSON gives it. Never changed in place."""

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
"""Key in `userInfo.extra` that every bound ServiceAccount token carries, and no impersonator can set."""

TOKEN_ID = "JTI="  # noqa: S105 - how the id of a token begins; that of a certificate begins with X509SHA256=

SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"


class Operation(StrEnum):
    """What the API server is about to do.

    The first four are admission's. The others are asked about by the authorizer only: such a request has no object.
    """

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"
    GET = "GET"
    LIST = "LIST"
    WATCH = "WATCH"
    IMPERSONATE = "IMPERSONATE"


WRITES = (Operation.CREATE, Operation.UPDATE, Operation.DELETE, Operation.CONNECT)


@dataclass(frozen=True, slots=True)
class User:
    """Who asks, as the API server authenticated it. After impersonation: the impersonated user."""

    username: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def service_account(self) -> tuple[str, str] | None:
        """(namespace, name) of a ServiceAccount, None for everybody else."""
        namespace, separator, name = self.username.removeprefix(SERVICE_ACCOUNT_PREFIX).partition(":")
        is_account = self.username.startswith(SERVICE_ACCOUNT_PREFIX) and separator
        return (namespace, name) if is_account else None

    @property
    def is_bound(self) -> bool:
        """Whether the credential is a short-lived token: no static token, no certificate, nobody who impersonates."""
        return any(value.startswith(TOKEN_ID) for value in self.extra.get(CREDENTIAL_ID, ()))


@dataclass(frozen=True, slots=True)
class Kind:
    """Group, version and kind of an object."""

    group: str
    version: str
    kind: str


@dataclass(frozen=True, slots=True)
class Resource:
    """Group, version and plural name of a resource."""

    group: str
    version: str
    resource: str


@dataclass(frozen=True, slots=True)
class Request:
    """One admission call.

    `name` is empty for each object of a deletecollection; a generated name has been generated before a validating
    webhook is asked.
    `object` is None for DELETE, `old_object` is None for CREATE and CONNECT.
    `wire` is the request as it arrived, for expressions.
    """

    uid: str
    operation: Operation
    kind: Kind
    resource: Resource
    user: User
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    object: Object | None = None
    old_object: Object | None = None
    options: Object | None = None
    dry_run: bool = False
    wire: Object = field(default_factory=dict)

    @property
    def resource_path(self) -> str:
        """`resource` or `resource/subresource`, as policies write it."""
        return f"{self.resource.resource}/{self.subresource}" if self.subresource else self.resource.resource

    @property
    def object_name(self) -> str:
        """The name of what is touched, also for one object of a deletecollection; may be empty."""
        if self.name:
            return self.name
        metadata = (self.object or self.old_object or {}).get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        return name if isinstance(name, str) else ""

    @property
    def lies_in(self) -> str:
        """The namespace that the object lies in; empty for a Namespace, whose requests carry its own name there."""
        is_namespace = (self.resource.group, self.resource.resource) == ("", "namespaces")
        return "" if is_namespace else self.namespace

    @property
    def target(self) -> str:
        """What is touched, readable: `pods/exec agents/web-0` or `namespaces prod`; never secret."""
        place = f"{self.lies_in}/{self.object_name}" if self.lies_in else self.object_name
        group = f".{self.resource.group}" if self.resource.group else ""
        resource, _, subresource = self.resource_path.partition("/")
        return f"{resource}{group}{'/' + subresource if subresource else ''} {place or '(generated name)'}"
