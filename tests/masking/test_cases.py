"""Each channel and value rule masks what its cases say, and nothing else."""

import copy

import pytest

from tests.masking.language import MASKER, Case, cases, masked


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.id}: {case.sentence}")
def test_case(case: Case) -> None:
    """The output is the golden one, the input untouched, and masking it again changes nothing."""
    before = copy.deepcopy(case.given)
    result = masked(case)
    assert result == case.expected
    assert case.given == before
    again = Case(case.id, case.sentence, case.form, case.kind, result, result)
    assert masked(again) == result


def test_explain_names_channel_and_place() -> None:
    """A finding says where, by which channel and by what."""
    pod = {"kind": "Pod", "spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}]}}
    (finding,) = MASKER.explain_object(pod)
    assert (finding.path, finding.kind) == ("spec.containers[0].env[0].value", "env-values")
    assert finding.replacement.startswith("[masked:env-values:k1a2")
