"""One audit event as we keep it: bounded columns to search by, and the whole masked event as compressed bytes.

Every text is bounded here, so that no event can make a row or an index entry that a database refuses. All times are
microseconds since 1970 in UTC. Nothing in a record is a secret: it is made of the masked event.
"""

from dataclasses import dataclass, field
from enum import IntFlag


class Flag(IntFlag):
    """What is remarkable about a record."""

    QUARANTINED = 1
    """It could not be read; the body is the masked text of what came."""
    IMPERSONATED = 2
    """Somebody acted as somebody else."""
    FAILED_OPEN = 4
    """The API server says that a webhook was skipped."""
    UNBOUND = 8
    """A ServiceAccount credential without an id: a static token, or impersonation."""
    TRUNCATED = 16
    """The API server or we cut something that was too long."""
    DRY_RUN = 32
    """The request changed nothing."""
    REPAIRED = 64
    """Something in it that JSON parsers refuse or read differently was replaced; see `reader`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose session an event belongs to. `kind` is pod, credential, certificate or user; `key` its id.

    Two Pods that share a ServiceAccount are two identities; one Pod whose token is renewed is one.
    """

    session: str
    """32 hex digits: hash of cluster, effective user, kind and key."""
    username: str
    """The effective user."""
    kind: str
    key: str
    pod: str = ""
    """`namespace/name` of the Pod that the credential is bound to."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of `events`. Empty text and None mean: the event does not say."""

    cluster: str
    day: int
    """Days since 1970 by the event's own stage time; 0 if unreadable. A pure function of the bytes."""
    dedup: bytes
    """16 bytes, keyed hash of the event's exact bytes; unique with cluster and day."""
    time_us: int
    """When the API server received the request."""
    stage_time_us: int
    audit_id: str
    level: str
    stage: str
    verb: str
    identity: Identity
    authenticated_as: str
    """The user that was authenticated; differs from `identity.username` after impersonation."""
    api_group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    code: int | None = None
    verdict: str = ""
    rules: str = ""
    approval: str = ""
    decided_by: str = ""
    credential: str = ""
    """`credential-id` of the token or certificate used."""
    issued_credential: str = ""
    """`credential-id` of the token that this very request issued: a birth."""
    source_ip: str = ""
    user_agent: str = ""
    flags: Flag = field(default=Flag(0))
    body: bytes = b""
    """The masked event, JSON, zlib-compressed."""
