"""docs/checks.md is what the docstrings say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from webhook.checks import BUNDLES, CHECKS
from webhook.checks.check import Check, Parameters
from webhook.checks.documentation import entry, escaped, page, sections
from webhook.checks.scope import EVERYTHING

PAGE = Path(__file__).resolve().parents[3] / "docs/checks.md"


def test_the_page_is_current() -> None:
    """Whoever changes a docstring writes the page anew."""
    assert PAGE.read_text() == page(), "run: make docs"


def test_every_check_has_one_anchor() -> None:
    """A heading that is the id, so that a message can be looked up."""
    headings = re.findall(r"^### (.*)$", page(), flags=re.MULTILINE)
    assert sorted(headings) == sorted(check.id for check in CHECKS)


@pytest.mark.parametrize("bundle", [name for name, checks in BUNDLES.items() if checks])
def test_every_bundle_lists_its_members(bundle: str) -> None:
    """With a link to each."""
    [row] = re.findall(rf"^\| `{bundle}` \| (.*) \|$", page(), flags=re.MULTILINE)
    assert re.findall(r"\[(.*?)\]\(#\1\)", row) == [check.id for check in BUNDLES[bundle]]


def test_a_docstring_is_cut_into_itssections() -> None:
    """Lines are joined, points of a list are not."""
    text = (
        "What for,\nin two lines.\n\nRule: one\n    thing.\nFields: two:\n    * `a[*]`\n    * b\nAllowed: *\nSource: x"
    )
    assert sections(text) == ["What for, in two lines.", "Rule: one thing.", "Fields: two:\n  * `a[*]`\n  * b",
                               "Allowed: *", "Source: x"]  # fmt: skip
    assert escaped("Allowed: * `a[*]`\n  * b") == "Allowed: \\* `a[*]`\n  * b"


class _Given(Parameters):
    replicas_at_most: Annotated[int, Field(description="The highest number.")] = 20


def test_parameters_are_listed() -> None:
    """By the name that a policy writes, with their default."""
    text = "\n".join(entry(Check("x", CHECKS[0].judge, (EVERYTHING,), _Given)))
    assert "- **Parameter** `replicasAtMost` (default `20`): The highest number." in text
