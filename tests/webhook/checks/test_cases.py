"""Every case of every check, judged by the check."""

from __future__ import annotations

import pytest

from tests.webhook.checks.cases import Case, cases

CASES = [pytest.param(case, id=f"{case.check}: {case.sentence}") for case in cases()]


@pytest.mark.parametrize("case", CASES)
def test_the_check_finds_what_is_written_beside_the_case(case: Case) -> None:
    """No more, no less, in this order; a pass has no finding."""
    assert set(case.found()) == {case.findings}
