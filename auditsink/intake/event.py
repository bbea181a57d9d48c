"""The exact bytes of one event to one record. Pure; never raises: what cannot be read or masked is quarantined."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from auditsink.intake import annotations as said
from auditsink.intake.columns import DAY_US, Columns, code_of, member, microseconds
from auditsink.intake.identity import extra, identity_of, is_impersonated, is_unbound
from auditsink.intake.quarantine import remains
from auditsink.intake.reader import Unreadable, read
from auditsink.intake.record import Flag, Record
from masking import Masker, MaskingKey

LEVEL = 3
"""zlib level: on audit events within 3 % of the size of level 9, in half the time of level 6."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What makes records of one installation. `dedup` never changes: a changed key stores retried events twice."""

    masking: MaskingKey
    dedup: bytes = field(repr=False)


class Recorder:
    """Makes records with one set of keys."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._masker = Masker(keys.masking)

    def record(self, raw: bytes, *, cluster: str) -> Record:
        """Return the record of one event; `raw` are its bytes as they came."""
        dedup = hashlib.blake2b(raw, key=self._keys.dedup, digest_size=16).digest()
        try:
            reading = read(raw)
            masked = self._masker.mask_event(_audit_event(reading.event))
            body = zlib.compress(orjson.dumps(masked), LEVEL)
        except Exception as err:  # whatever it is: this event is kept in quarantine, and costs no other
            reason = str(err) if isinstance(err, Unreadable) else "masking failed"
            masked = remains(raw, reason=reason, dedup=dedup, key=self._keys.masking)
            return _record(masked, cluster, dedup, zlib.compress(orjson.dumps(masked), LEVEL), Flag.QUARANTINED)
        return _record(masked, cluster, dedup, body, Flag.REPAIRED if reading.is_repaired else Flag(0))


def _audit_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return it if it is an audit event: only for those do the channels know where secrets are.

    Raises:
        Unreadable: it is something else.
    """
    if not (isinstance(event.get("auditID"), str) and isinstance(event.get("stage"), str)):
        raise Unreadable("not an audit event")
    return event


def _record(event: Mapping[str, Any], cluster: str, dedup: bytes, body: bytes, flags: Flag) -> Record:
    columns = Columns()
    reference = event.get("objectRef")
    annotations = event.get("annotations")
    annotations = annotations if isinstance(annotations, Mapping) else {}
    verdict = said.said_by_policies(annotations)
    stage_time_us = microseconds(event.get("stageTimestamp"))
    sources = event.get("sourceIPs")
    texts = {
        "audit_id": event.get("auditID"),
        "level": event.get("level"),
        "stage": event.get("stage"),
        "verb": event.get("verb"),
        "authenticated_as": member(event, "user", "username"),
        "api_group": member(reference, "apiGroup"),
        "resource": member(reference, "resource"),
        "subresource": member(reference, "subresource"),
        "namespace": member(reference, "namespace"),
        "name": member(reference, "name"),
        "verdict": verdict.verdict,
        "rules": verdict.rules,
        "approval": verdict.approval,
        "decided_by": verdict.decided_by,
        "credential": extra(event.get("user"), "credential-id"),
        "issued_credential": annotations.get(said.ISSUED),
        "source_ip": sources[0] if isinstance(sources, list) and sources else "",
        "user_agent": event.get("userAgent"),
    }
    identity = identity_of(event, cluster=cluster, columns=columns)
    bounded = {name: columns.text(name, value) for name, value in texts.items()}
    return Record(
        cluster=cluster,
        day=stage_time_us // DAY_US,
        dedup=dedup,
        time_us=microseconds(event.get("requestReceivedTimestamp")) or stage_time_us,
        stage_time_us=stage_time_us,
        identity=identity,
        code=code_of(member(event, "responseStatus", "code")),
        flags=flags | _flags(event, annotations, was_cut=columns.was_cut),
        body=body,
        **bounded,
    )


def _flags(event: Mapping[str, Any], annotations: Mapping[str, Any], *, was_cut: bool) -> Flag:
    facts = {
        Flag.IMPERSONATED: is_impersonated(event),
        Flag.FAILED_OPEN: said.failed_open(annotations),
        Flag.UNBOUND: is_unbound(event),
        Flag.TRUNCATED: was_cut or annotations.get(said.TRUNCATED) == "true",
        Flag.DRY_RUN: _is_dry_run(event),
    }
    flags = Flag(0)
    for flag, is_so in facts.items():
        if is_so:
            flags |= flag
    return flags


def _is_dry_run(event: Mapping[str, Any]) -> bool:
    """Tell whether the request was one: in its URI, or in the options that a deletion or an eviction carries."""
    uri = event.get("requestURI")
    if isinstance(uri, str) and "dryRun" in uri:
        try:
            if any(parse_qs(urlsplit(uri).query).get("dryRun", ())):
                return True
        except ValueError:  # no URI at all
            return False
    body = event.get("requestObject")
    options = body if event.get("verb") in ("delete", "deletecollection") else member(body, "deleteOptions")
    return bool(member(options, "dryRun"))
