"""The parts of a spec as values."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from webhook.admission.subject import Subject, SubjectKind
from webhook.policy.spec import Match, Rule, SubjectEntry


@pytest.mark.parametrize(
    ("wire", "subject"),
    [
        ({"user": "ci-*"}, Subject(SubjectKind.USER, "ci-*")),
        ({"group": "agents"}, Subject(SubjectKind.GROUP, "agents")),
        (
            {"serviceAccount": {"namespace": "a", "name": "b"}},
            Subject(SubjectKind.SERVICE_ACCOUNT, name="b", namespace="a"),
        ),
    ],
)
def test_subject(wire: dict[str, object], subject: Subject) -> None:
    """An entry is the subject that it names."""
    assert SubjectEntry.model_validate(wire).subject() == subject


def test_nothing_can_be_changed() -> None:
    """A policy that was judged is the policy that was read."""
    with pytest.raises(ValidationError, match="frozen"):
        Match().resources = ("pods",)


def test_match_narrows_nothing_by_itself() -> None:
    """A field that is left out means everything."""
    assert (Match().operations, Match().api_groups, Match().resources) == (("*",), ("*",), ("*/*",))


@pytest.mark.parametrize(
    ("wire", "ids"),
    [({}, ()), ({"check": "a"}, ("a",)), ({"checks": ["a", "b"]}, ("a", "b"))],
)
def test_check_ids(wire: dict[str, object], ids: tuple[str, ...]) -> None:
    """One check or several, however written."""
    assert Rule.model_validate({"name": "r", "action": "Deny", **wire}).check_ids == ids
