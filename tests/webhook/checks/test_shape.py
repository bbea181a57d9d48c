"""Every check is whole: listed, documented, with passes and fails, and nothing lies about that no check owns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import webhook.checks
from tests.webhook.checks.cases import ROOT, cases
from webhook.checks import BUNDLES, CHECK_BY_ID, CHECKS, by_id
from webhook.checks.check import SECTIONS, Check
from webhook.checks.scope import EVERYTHING

PACKAGE = Path(webhook.checks.__file__).parent
FRAME = {
    "__init__",
    "accounts",
    "binding",
    "check",
    "deletion",
    "documentation",
    "inspection",
    "pod",
    "role",
    "scope",
    "wording",
    "writing",
}
"""Modules beside the checks that are none."""

UNREACHABLE = {
    "admission-configuration": 4,
    "api-changes": 1,
    "bindings": 1,
    "bound-token": 7,
    "certificate-requests": 5,
    "ephemeral-containers": 1,
    "gitops": 8,
    "leases": 1,
    "nodes": 6,
    "owner-references": 4,
    "pod-service-account": 1,
    "proc-mount-baseline": 5,
    "status-writes": 2,
    "token-secrets": 2,
}
"""How many cases of a check no real API server delivers; each of them says why."""


def test_every_file_is_listed() -> None:
    """A check that is not in CHECKS would never run."""
    files = {path.stem.replace("_", "-") for path in PACKAGE.glob("**/*.py") if path.stem not in FRAME}
    assert files == set(CHECK_BY_ID), "add the missing check to the list in the __init__.py of its family"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
def test_check_is_documented(check: Check) -> None:
    """The docs are made from the docstring, so it has every section."""
    assert [section for section in SECTIONS if section not in check.documentation] == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.id))
def test_check_has_cases(check: Check) -> None:
    """Three passes and three fails show where the border lies; a fail has its golden text beside it."""
    fails = [case for case in cases(check.id) if case.findings]
    passes = [case for case in cases(check.id) if not case.findings]
    assert len(fails) >= 3, f"mkdir -p {ROOT}/{check.id}/fail and add <sentence>.yaml and <sentence>.txt"
    assert len(passes) >= 3, f"mkdir -p {ROOT}/{check.id}/pass and add <sentence>.yaml"


def test_no_orphaned_cases() -> None:
    """Every folder of cases belongs to a check, every golden text to a case."""
    folders = {path.name for path in ROOT.iterdir()}
    golden = {path.with_suffix(".yaml") for path in ROOT.glob("*/*/*.txt")}
    assert folders <= set(CHECK_BY_ID), f"git rm -r {ROOT}/<folder>"
    assert [path for path in golden if not path.exists()] == []


def test_unreachable_cases_are_counted() -> None:
    """No case stops being sent to a real API server unless somebody says why, and how many do."""
    assert Counter(case.check for case in cases() if case.unreachable) == UNREACHABLE
    assert [case.path for case in cases() if "unreachable" in case.said and not case.unreachable] == []


def _undocumented() -> Check:
    return Check("shape", _undocumented, (EVERYTHING,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        (lambda: [*CHECKS, *CHECKS], "listed once"),
        (lambda: [Check("Other", CHECKS[0].judge, (EVERYTHING,))], "name its file"),
        (lambda: [Check(CHECKS[0].id, CHECKS[0].judge, ())], "list in scopes"),
        (lambda: [Check("test-shape", _undocumented, (EVERYTHING,))], "add Rule:, Fields:, Allowed:, Source:"),  # type: ignore[arg-type]
    ],
    ids=["twice", "other name than file", "no scopes", "no sections"],
)
def test_registry_refuses(checks: Callable[[], list[Check]], says: str) -> None:
    """A wrong entry is refused when the list is loaded, and says how to mend it."""
    with pytest.raises(ValueError, match=says):
        by_id(checks())


def test_a_bundle_holds_only_checks_that_are_listed() -> None:
    """So that every check of a bundle can also be named alone."""
    assert {check.id for bundle in BUNDLES.values() for check in bundle} <= set(CHECK_BY_ID)
