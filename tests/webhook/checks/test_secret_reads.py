"""Whatever a write on a Secret looks like: unless its answer is known to hold no data, it is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import asks
from webhook.checks.inspection import Inspection
from webhook.checks.secret_reads import CHECK

CANARY = "Y2FuYXJ5"


def secret(**fields: Any) -> dict[str, Any]:
    """Write a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, **fields}


def found(operation: str, new: Any = None, old: Any = None, **more: Any) -> tuple[str, ...]:
    """The findings."""
    return CHECK.findings(Inspection(asks(operation, new, old=old, resource="secrets", group="", **more)))


FULL = secret(data={"password": CANARY})


@pytest.mark.parametrize(
    "old",
    [FULL, None, secret(data="x"), secret(data={"a": ""}), secret(data={"a": None}), {"metadata": 7, "data": {"a": 1}}],
)
def test_an_update_of_what_may_hold_data_is_found(old: Any) -> None:
    """Also of a Secret that cannot be read; and no value is in the message."""
    [said] = found("UPDATE", secret(), old)
    assert CANARY not in said


@pytest.mark.parametrize("old", [secret(), secret(data={}), secret(data=None), secret(metadata=7)])
def test_an_update_of_what_is_empty_passes(old: Any) -> None:
    """There is nothing to read."""
    assert found("UPDATE", FULL, old) == ()


@pytest.mark.parametrize(
    ("options", "is_found"),
    [
        ({}, False),
        (None, False),
        ({"propagationPolicy": "Background"}, False),
        ({"orphanDependents": False}, False),
        ({"propagationPolicy": "Foreground"}, True),
        ({"propagationPolicy": "background"}, True),
        ({"propagationPolicy": 7}, True),
        ({"propagationPolicy": ""}, True),
        ({"orphanDependents": True}, True),
        ({"orphanDependents": 0}, False),
        ({"orphanDependents": "false"}, True),
    ],
)
def test_how_a_deletion_is_answered(options: Any, is_found: bool) -> None:
    """Only what is known to be answered with a name passes."""
    assert bool(found("DELETE", old=FULL, options=options)) is is_found


def test_one_finding_for_each_reason() -> None:
    """All that must be mended is said at once."""
    waiting = secret(metadata={"name": "s", "finalizers": ["example.com/x"]}, data={"a": CANARY})
    assert len(found("DELETE", old=waiting, options={"propagationPolicy": "Orphan"})) == 2


@pytest.mark.parametrize("operation", ["CREATE", "CONNECT"])
def test_other_operations_answer_with_nothing_old(operation: str) -> None:
    """A new Secret is what was sent."""
    assert found(operation, FULL) == ()


def test_other_kinds_pass() -> None:
    """A ConfigMap, and a custom resource that is called the same."""
    request = asks("UPDATE", {**FULL, "apiVersion": "example.com/v1"}, old=FULL)
    assert CHECK.findings(Inspection(request)) == ()
