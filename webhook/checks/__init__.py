"""The built-in checks: one file each, all of them listed here.

A new check is a file that ends in `CHECK = Check(...)`, its cases under `tests/cases/<id>/`, and one line in
`CHECKS`. The list checks itself when it is loaded, so that a wrong entry never reaches a cluster.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from webhook.checks import privileged_containers
from webhook.checks.check import SECTIONS, Check

CHECKS: tuple[Check, ...] = (privileged_containers.CHECK,)
"""Every check, sorted by id."""

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def by_id(checks: Iterable[Check]) -> Mapping[str, Check]:
    """Index checks by id.

    Raises:
        ValueError: an entry breaks a promise of the list; says which, and what to do.
    """
    listed = tuple(checks)
    ids = [check.id for check in listed]
    if ids != sorted(set(ids)):
        raise ValueError(f"checks must be sorted by id, each once: {', '.join(ids)}")
    for check in listed:
        _require_whole(check)
    return MappingProxyType({check.id: check for check in listed})


def _require_whole(check: Check) -> None:
    module = check.judge.__module__.rpartition(".")[2]
    if not _ID.fullmatch(check.id) or module != check.id.replace("-", "_"):
        raise ValueError(f"check {check.id}: name its file {check.id.replace('-', '_')}.py, not {module}.py")
    if not check.scopes:
        raise ValueError(f"check {check.id}: list in scopes which requests it judges")
    missing = [section for section in SECTIONS if section not in check.documentation]
    if missing:
        raise ValueError(f"check {check.id}: add {', '.join(missing)} to the docstring of {module}.py")


CHECK_BY_ID = by_id(CHECKS)
