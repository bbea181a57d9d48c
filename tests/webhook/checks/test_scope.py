"""Scopes match as the API server's rules do, and are written as it accepts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import asks
from webhook.checks.scope import EVERYTHING, Scope, resource_matches

PARTS = st.sampled_from(["*", "pods", "nodes", "scale"])
PATTERNS = st.lists(PARTS | st.builds("{}/{}".format, PARTS, PARTS), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("pods", "pods", True),
        ("pods", "pods/exec", False),
        ("*", "pods", True),
        ("*", "pods/exec", False),
        ("pods/*", "pods/exec", True),
        ("pods/*", "pods", True),  # so it is in rules.go, whatever the documentation says
        ("pods/*", "nodes/proxy", False),
        ("*/scale", "deployments/scale", True),
        ("*/scale", "deployments", False),
        ("*/*", "pods", True),
        ("*/*", "pods/exec", True),
        ("pods/exec", "pods/attach", False),
    ],
)
def test_resource(pattern: str, path: str, matches: bool) -> None:
    """A pattern matches as Kubernetes' does."""
    resource, _, subresource = path.partition("/")
    assert resource_matches(pattern, asks("CREATE", resource=resource, subresource=subresource)) is matches


@pytest.mark.parametrize(
    ("scope", "operation", "group", "covers"),
    [
        (Scope(("CREATE",), ("apps",), ("*",)), "CREATE", "apps", True),
        (Scope(("CREATE",), ("apps",), ("*",)), "DELETE", "apps", False),
        (Scope(("*",), ("",), ("*",)), "DELETE", "apps", False),
        (Scope(("*",), ("",), ("*",)), "DELETE", "", True),
        (EVERYTHING, "CONNECT", "batch", True),
    ],
)
def test_covers(scope: Scope, operation: str, group: str, covers: bool) -> None:
    """All three parts must match."""
    assert scope.covers(asks(operation, resource="x", group=group)) is covers


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (["pods", "*/*", "pods/exec"], ("*/*",)),
        (["*", "pods", "pods/exec"], ("*", "pods/exec")),
        (["pods/*", "pods/exec", "pods"], ("pods/*",)),
        (["*/scale", "deployments/scale"], ("*/scale",)),
        (["b", "a", "b"], ("b", "a")),
    ],
)
def test_normal_form(given_: list[str], kept: tuple[str, ...]) -> None:
    """What a wildcard covers is left out, because the API server refuses it beside the wildcard."""
    assert Scope.of(["*", "CREATE"], ["", "*"], given_) == Scope(("*",), ("*",), kept)


@given(PATTERNS, PARTS, PARTS | st.just(""))
def test_normal_form_means_the_same(patterns: list[str], resource: str, subresource: str) -> None:
    """Leaving out loses nothing."""
    request = asks("CREATE", resource=resource, subresource=subresource)
    before = any(resource_matches(pattern, request) for pattern in patterns)
    assert Scope.of(["*"], ["*"], patterns).covers(request) is before
