"""The built-in checks: one file each, each listed by its family, and all of them here.

A new check is a file that ends in `CHECK = ...`, its cases under `tests/cases/<id>/`, and one line in the list of its
family. The lists check themselves when they are loaded, so that a wrong entry never reaches a cluster.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from webhook.checks import bound_token, laundering, pod_security, rbac, scale_above, secret_reads
from webhook.checks.check import SECTIONS, Check

BUNDLES: Mapping[str, tuple[Check, ...]] = MappingProxyType(
    {
        "laundering": laundering.CHECKS,
        "pod-security-baseline": pod_security.BASELINE,
        "pod-security-restricted": pod_security.RESTRICTED,
        "rbac-danger": rbac.CHECKS,
    }
)
"""Names that stand for many checks in a rule."""

OTHERS: tuple[Check, ...] = (bound_token.CHECK, scale_above.CHECK, secret_reads.CHECK)
"""Checks of no family, and of no bundle."""

CHECKS: tuple[Check, ...] = (*laundering.CHECKS, *pod_security.CHECKS, *rbac.CHECKS, *OTHERS)
"""Every check, family by family."""

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def by_id(checks: Iterable[Check]) -> Mapping[str, Check]:
    """Index checks by id.

    Raises:
        ValueError: an entry breaks a promise of the list; says which, and what to do.
    """
    listed = tuple(checks)
    ids = [check.id for check in listed]
    twice = sorted({check_id for check_id in ids if ids.count(check_id) > 1 or check_id in BUNDLES})
    if twice:
        raise ValueError(f"checks must be listed once, and not be named like a bundle: {', '.join(twice)}")
    for check in listed:
        _require_whole(check)
    return MappingProxyType({check.id: check for check in sorted(listed, key=lambda check: check.id)})


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


def named(check_id: str) -> tuple[Check, ...]:
    """Return the check of this id, or all of the bundle of this name; none if there is neither."""
    if check_id in BUNDLES:
        return BUNDLES[check_id]
    return (CHECK_BY_ID[check_id],) if check_id in CHECK_BY_ID else ()
