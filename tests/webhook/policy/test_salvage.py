"""What is left of a policy that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from webhook.admission.subject import Subject, SubjectKind
from webhook.policy.model import InvalidPolicy, Problem
from webhook.policy.salvage import salvaged

ERROR = InvalidPolicy("p", [Problem("spec", "x", "y")])
CI = Subject(SubjectKind.USER, "ci")


@pytest.mark.parametrize(
    ("spec", "subjects", "excluded", "mode"),
    [
        pytest.param({"subjects": [{"user": "ci"}]}, (CI,), (), "Enforce", id="whole"),
        pytest.param({"subjects": [{"user": "ci"}, {"usr": "x"}, 7]}, (CI,), (), "Enforce", id="some entries"),
        pytest.param({"subjects": "ci"}, (), (), "Enforce", id="no list"),
        pytest.param({"subjects": [{"user": "*"}]}, (), (), "Enforce", id="everybody is nobody"),
        pytest.param({"subjects": [{"group": "system:authenticated"}]}, (), (), "Enforce", id="nor by group"),
        pytest.param({"subjects": [{"user": "ci"}], "excludeSubjects": [{"user": "ci"}, {}]}, (CI,), (CI,), "Enforce"),
        pytest.param({"mode": "Observe"}, (), (), "Observe", id="observes"),
        pytest.param({"mode": ["Observe"]}, (), (), "Enforce", id="mode unreadable"),
        pytest.param(None, (), (), "Enforce", id="no spec"),
    ],
)
def test_salvaged(spec: Any, subjects: tuple[Subject, ...], excluded: tuple[Subject, ...], mode: str) -> None:
    """Entries that can be read count, others name nobody; only a readable Observe observes."""
    broken = salvaged({"metadata": {"name": "p"}, "spec": spec}, ERROR)
    assert (broken.name, broken.problems) == ("p", ERROR.problems)
    assert (broken.subjects, broken.exclude_subjects, broken.mode) == (subjects, excluded, mode)
