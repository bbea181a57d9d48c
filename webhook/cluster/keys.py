"""The secrets that one installation owns, kept in one Secret that the first replica makes.

The chart never renders them (rendering twice makes two keys). Losing the Secret is no disaster: open approvals
have to be asked for again, and placeholders change.
"""

import base64
import binascii
import re
import secrets as randomness
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from webhook.cluster import names
from webhook.cluster.client import Cluster, Json
from webhook.cluster.errors import AlreadyExists, NotFound

KEY_BYTES = 32
PATH_SECRET_BYTES = 16

ROOMS = ("policies", "guards", "authorizer")
"""Each has a secret path of its own. While a server cannot be reached, the API server's error shows its path to whoever
made the request: an agent can so learn the one of `policies`, where nothing is signed, but not that of `guards`."""

_KEY_FIELDS = ("decision-key", "fingerprint-key", "masking-key")


class KeysBroken(Exception):
    """The Secret is there but cannot be used. The message is for the operator and holds no secret."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Our secrets. None of them appears in its repr."""

    key_id: str
    """Names this set of keys in what they signed or masked: 8 hex digits."""
    paths: Mapping[str, str] = field(repr=False)
    """32 hex digits for each of `ROOMS`, in the paths that the API server calls us at."""
    decision_key: bytes = field(repr=False)
    fingerprint_key: bytes = field(repr=False)
    masking_key: bytes = field(repr=False)


async def load_keys(
    cluster: Cluster, namespace: str, *, random: Callable[[int], bytes] = randomness.token_bytes
) -> Keys:
    """Read the keys; make them if there are none. Replicas that start at once end with the same keys.

    Raises:
        KeysBroken: a value is missing, too short or malformed.
        ClusterError: the Secret can be neither read nor made.
    """
    path = f"{names.secrets(namespace)}/{names.KEYS_SECRET}"
    try:
        secret = await cluster.get(path)
    except NotFound:
        try:
            secret = await cluster.create(names.secrets(namespace), new_secret(namespace, random))
        except AlreadyExists:
            secret = await cluster.get(path)
    return parse_keys(secret, namespace)


def new_secret(namespace: str, random: Callable[[int], bytes]) -> Json:
    """Make the Secret with new keys. It is immutable: nobody changes a key by mistake."""
    values = {
        "id": random(4).hex().encode(),
        **{f"{room}-path": random(PATH_SECRET_BYTES).hex().encode() for room in ROOMS},
        **{name: random(KEY_BYTES) for name in _KEY_FIELDS},
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": names.KEYS_SECRET, "namespace": namespace, "labels": dict(names.LABELS)},
        "immutable": True,
        "type": "Opaque",
        "data": {name: base64.b64encode(value).decode() for name, value in values.items()},
    }


def parse_keys(secret: Mapping[str, object], namespace: str) -> Keys:
    """Read and check the values of the Secret.

    Raises:
        KeysBroken: naming the Secret, the value, and what is wrong with it.
    """
    data = secret.get("data")
    data = data if isinstance(data, Mapping) else {}
    place = f"Secret {namespace}/{names.KEYS_SECRET}"
    decision, fingerprint, masking = (_key(data, name, place) for name in _KEY_FIELDS)
    return Keys(
        key_id=_hexadecimal(data, "id", 4, place),
        paths={room: _hexadecimal(data, f"{room}-path", PATH_SECRET_BYTES, place) for room in ROOMS},
        decision_key=decision,
        fingerprint_key=fingerprint,
        masking_key=masking,
    )


def _key(data: Mapping[str, object], name: str, place: str) -> bytes:
    value = _value(data, name, place)
    if len(value) != KEY_BYTES:
        raise _broken(place, name, f"has {len(value)} bytes, not {KEY_BYTES}")
    return value


def _hexadecimal(data: Mapping[str, object], name: str, length: int, place: str) -> str:
    value = _value(data, name, place)
    if not re.fullmatch(rb"[0-9a-f]{%d}" % (2 * length), value):
        raise _broken(place, name, f"is not {2 * length} lower-case hexadecimal digits")
    return value.decode()


def _value(data: Mapping[str, object], name: str, place: str) -> bytes:
    encoded = data.get(name)
    if not isinstance(encoded, str) or not encoded:
        raise _broken(place, name, "is missing")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error as err:
        raise _broken(place, name, "is not base64") from err


def _broken(place: str, name: str, what: str) -> KeysBroken:
    return KeysBroken(
        f"{place}: {name} {what}; restore the Secret from a backup, or delete it and restart all replicas: new "
        "keys are made, and open approvals have to be asked for again"
    )
