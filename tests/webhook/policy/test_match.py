"""Whether a rule is about a request."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.policy.language import asks
from webhook.admission.request import Request
from webhook.admission.subject import glob_matches
from webhook.checks.scope import Scope
from webhook.policy.match import rule_matches, scope_of
from webhook.policy.spec import Match

POD = asks("CREATE", {"kind": "Pod", "metadata": {"name": "web-1", "namespace": "prod"}})
SCALE = asks("UPDATE", resource="deployments", group="apps", subresource="scale", name="web", namespace="prod")
NODE = asks("DELETE", resource="nodes", name="n1", old={})
NAMESPACE = asks("DELETE", resource="namespaces", name="prod", namespace="prod", old={})
NEW_NAMESPACE = asks("CREATE", {"kind": "Namespace", "metadata": {"name": "prod"}})
COLLECTION = asks("DELETE", resource="pods", name="", namespace="prod", old={"metadata": {"name": "web-1"}})
UNNAMED = asks("CREATE", {"metadata": {"generateName": "x-"}}, resource="pods", namespace="prod")


@pytest.mark.parametrize(
    ("match", "request_", "matches"),
    [
        pytest.param({}, POD, True, id="an empty match is about everything"),
        pytest.param({"operations": ["UPDATE"]}, POD, False, id="another operation"),
        pytest.param({"operations": ["*"]}, POD, True, id="every operation"),
        pytest.param({"apiGroups": ["apps"]}, POD, False, id="another group"),
        pytest.param({"apiGroups": [""]}, POD, True, id="the core group"),
        pytest.param({"resources": ["*"]}, POD, True, id="a star is every resource"),
        pytest.param({"resources": ["*"]}, SCALE, False, id="a star is no subresource"),
        pytest.param({"resources": ["deployments"]}, SCALE, False, id="a resource is not its subresource"),
        pytest.param({"resources": ["*/scale"]}, SCALE, True, id="the subresource of any resource"),
        pytest.param({"resources": ["*/*"]}, SCALE, True, id="everything"),
        pytest.param({"resourceNames": ["web-*"]}, POD, True, id="a name by its start"),
        pytest.param({"resourceNames": ["*-2"]}, POD, False, id="another end"),
        pytest.param({"excludeResourceNames": ["web-*"]}, POD, False, id="an excluded name"),
        pytest.param({"resourceNames": ["web"]}, SCALE, True, id="a subresource has its parent's name"),
        pytest.param({"resourceNames": ["web-1"]}, COLLECTION, True, id="one object of a collection, by its name"),
        pytest.param({"excludeResourceNames": ["web-*"]}, COLLECTION, False, id="an excluded one of a collection"),
        pytest.param({"resourceNames": ["y"]}, UNNAMED, True, id="an unknown name could be any name"),
        pytest.param({"excludeResourceNames": ["*"]}, UNNAMED, True, id="an unknown name is not excluded"),
        pytest.param({"namespaces": ["pro*"]}, POD, True, id="a namespace by its start"),
        pytest.param({"namespaces": ["dev"]}, POD, False, id="another namespace"),
        pytest.param({"excludeNamespaces": ["prod"]}, POD, False, id="an excluded namespace"),
        pytest.param({"namespaces": ["prod"]}, NAMESPACE, True, id="a Namespace lies in itself"),
        pytest.param({"namespaces": ["prod"]}, NEW_NAMESPACE, True, id="a new Namespace lies in itself"),
        pytest.param({"excludeNamespaces": ["prod"]}, NAMESPACE, False, id="an excluded Namespace"),
        pytest.param({"namespaces": ["*"]}, NODE, False, id="a Node lies in no namespace"),
        pytest.param({"excludeNamespaces": ["*"]}, NODE, True, id="a Node is in no excluded namespace"),
        pytest.param({"namespaces": ["prod"], "excludeNamespaces": ["prod"]}, POD, False, id="exclusion wins"),
    ],
)
def test_match(match: dict[str, Any], request_: Request, matches: bool) -> None:
    """One field decides, the others narrow nothing."""
    assert rule_matches(Match.model_validate(match), request_) is matches


def test_no_match_is_everything() -> None:
    """A rule without match is about every request."""
    assert rule_matches(None, SCALE) is True


def test_scope() -> None:
    """What is delivered is the match without its names."""
    match = Match.model_validate({"operations": ["CREATE", "*"], "resources": ["pods", "*"], "namespaces": ["x"]})
    assert scope_of(match) == Scope(("*",), ("*",), ("*",))


TEXTS = st.text(st.sampled_from("ab-"), max_size=6)
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "operations": st.lists(st.sampled_from(["*", "CREATE", "DELETE"]), min_size=1, max_size=2),
        "apiGroups": st.lists(st.sampled_from(["*", "", "apps"]), min_size=1, max_size=2),
        "resources": st.lists(st.sampled_from(["*", "*/*", "pods", "pods/*", "*/exec"]), min_size=1, max_size=3),
        "namespaces": st.lists(st.sampled_from(["*", "a*", "*b"]), min_size=1, max_size=2),
    },
)


@given(MATCHES, st.sampled_from(["CREATE", "DELETE"]), st.sampled_from(["", "exec"]), TEXTS)
def test_what_matches_is_delivered(match: dict[str, Any], operation: str, subresource: str, namespace: str) -> None:
    """No rule is about a request that the API server would not send for it."""
    read = Match.model_validate(match)
    request = asks(operation, resource="pods", subresource=subresource, namespace=namespace, name="x")
    if rule_matches(read, request):
        assert scope_of(read).covers(request)


@given(TEXTS, TEXTS, st.booleans(), st.booleans())
def test_glob(core: str, text: str, starts_open: bool, ends_open: bool) -> None:
    """A star stands for any text at its end, and for nothing anywhere else."""
    glob = "*" * starts_open + core + "*" * ends_open
    expected = {
        (False, False): text == core,
        (True, False): text.endswith(core),
        (False, True): text.startswith(core),
        (True, True): core in text,
    }[starts_open, ends_open]
    assert glob_matches(glob, text) is expected
