"""The signed chain of what people said on an Approval.

Each entry carries a MAC over the approval's UID, the digest of its spec, the MAC before it, its index and
itself. So no entry can be forged, changed, dropped from the middle, reordered, or moved to another approval
or another spec. That the newest entries were not cut off is held by two others: the guard lets a chain only
grow, and the status remembers the newest MAC seen (`follows`).
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from webhook.admission.request import User
from webhook.approval.canonical import sign
from webhook.approval.record import parse_time, time_wire

PURPOSE = "kubescrow decision v1"

ENTRIES_LIMIT = 64
"""Most entries of one chain: ten approvers, each with a second thought, and room; keeps annotations small."""


class Decision(StrEnum):
    """What a person may say."""

    APPROVED = "approved"
    DENIED = "denied"
    REVOKED = "revoked"


class BrokenChain(ValueError):
    """The chain does not verify; `index` is the first entry that does not. None of it counts."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(f"entry {index}: {why}")
        self.index = index
        self.why = why


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision. `policies` are the holding policies that its author might decide for at that time."""

    decision: Decision
    user: User
    at: datetime
    policies: tuple[str, ...]
    reason: str = ""
    key_id: str = ""
    mac: str = ""

    def wire(self) -> dict[str, Any]:
        """Write the entry as it stands in the annotation."""
        return {
            "decision": self.decision.value,
            "user": {"username": self.user.username, "uid": self.user.uid, "groups": list(self.user.groups)},
            "at": time_wire(self.at),
            "policies": list(self.policies),
            "reason": self.reason,
            "keyId": self.key_id,
            "mac": self.mac,
        }


@dataclass(frozen=True, slots=True)
class Seal:
    """What ties a chain to one approval: key and its id, UID and digest of the spec."""

    key: bytes = field(repr=False)
    key_id: str
    approval_uid: str
    spec_digest: str

    def mac(self, entry: Entry, *, previous: str, index: int) -> str:
        """The MAC of `entry` at place `index` after the entry whose MAC is `previous`."""
        body = {key: value for key, value in entry.wire().items() if key != "mac"}
        return sign(self.key, PURPOSE, [self.approval_uid, self.spec_digest, previous, index, body])


def append(chain: Sequence[Entry], entry: Entry, seal: Seal) -> tuple[Entry, ...]:
    """Add `entry` to a verified chain and sign it."""
    entry = replace(entry, key_id=seal.key_id)
    previous = chain[-1].mac if chain else ""
    return (*chain, replace(entry, mac=seal.mac(entry, previous=previous, index=len(chain))))


def write(chain: Sequence[Entry]) -> str:
    """Write a chain as the annotation holds it."""
    return json.dumps([entry.wire() for entry in chain], separators=(",", ":"), ensure_ascii=True)


def verified(annotation: str, seal: Seal) -> tuple[Entry, ...]:
    """Read the annotation and verify every entry.

    Raises:
        BrokenChain: it is not a chain, or an entry was not signed by us at this place of this approval, or the text
            is another one for the same entries (a key given twice, say, of which every reader sees another one).
    """
    entries: list[Entry] = []
    for index, wire in enumerate(_items(annotation)):
        entry = _parse_entry(index, wire)
        previous = entries[-1].mac if entries else ""
        if entry.key_id != seal.key_id:
            raise BrokenChain(index, "signed with an unknown key")
        if not hmac.compare_digest(seal.mac(entry, previous=previous, index=index), entry.mac):
            raise BrokenChain(index, "wrong MAC")
        entries.append(entry)
    if annotation and write(entries) != annotation:
        raise BrokenChain(0, "not written in its one form")
    return tuple(entries)


def unverified(annotation: str) -> tuple[Entry, ...]:
    """Read the annotation where there is no key: what it claims, for people to look at. Nothing may rest on it.

    Raises:
        BrokenChain: it is not a chain.
    """
    return tuple(_parse_entry(index, wire) for index, wire in enumerate(_items(annotation)))


def follows(chain: Sequence[Entry], remembered_mac: str) -> bool:
    """Say whether the chain still holds the newest entry that was ever remembered ("" = none was)."""
    return not remembered_mac or remembered_mac in {entry.mac for entry in chain}


def _items(annotation: str) -> list[Any]:
    if not annotation:
        return []
    try:
        items = json.loads(annotation)
    except (ValueError, RecursionError) as err:
        raise BrokenChain(0, "not JSON") from err
    if not isinstance(items, list) or len(items) > ENTRIES_LIMIT:
        raise BrokenChain(0, f"not a list of at most {ENTRIES_LIMIT} entries")
    return items


def _parse_entry(index: int, wire: Any) -> Entry:
    try:
        user: Mapping[str, Any] = wire["user"]
        entry = Entry(
            decision=Decision(wire["decision"]),
            user=User(username=user["username"], uid=user["uid"], groups=tuple(user["groups"])),
            at=parse_time(wire["at"]),
            policies=tuple(wire["policies"]),
            reason=wire["reason"],
            key_id=wire["keyId"],
            mac=wire["mac"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise BrokenChain(index, "fields are missing or of the wrong type") from err
    if not _is_text(entry) or entry.wire() != wire:
        raise BrokenChain(index, "fields are unknown or not in their one form")
    return entry


def _is_text(entry: Entry) -> bool:
    """Whether every field is text, as the types promise; a MAC is ASCII, as its comparison demands."""
    user = entry.user
    texts = (user.username, user.uid, *user.groups, *entry.policies, entry.reason, entry.key_id, entry.mac)
    return all(isinstance(text, str) for text in texts) and entry.mac.isascii()
