"""The list and the lines of `watch`: one line each, whatever is in it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from kubescrow.approval.seen import Seen
from kubescrow.approval.table import line, table
from kubescrow.console import WIDTH
from tests.kubescrow.approval.stored import NO, YES, after, requirement, shown
from webhook.admission.verdict import Terms

NOW = after(300)
AT = "2026-11-23T14:09:05Z"
WHAT = "appr-7f3a2c91d0e4b5a6  DELETE namespaces/prod by system:serviceaccount:agents:bot"
TWO = requirement(terms=Terms(approvals=2))
USED = shown(state="Used", said=(YES,), decidedBy="alice@example.com", why="the move is done")


def printed(*approvals: Seen) -> list[str]:
    """The rows of a table as a pipe gets them."""
    console = Console(file=io.StringIO(), width=WIDTH)
    console.print(table(approvals, now=NOW))
    assert isinstance(console.file, io.StringIO)
    return [" ".join(row.split()) for row in console.file.getvalue().splitlines()]


def test_the_columns_are_those_of_kubectl() -> None:
    """What has ended expires no more; what cannot be trusted says so in the place of its state."""
    assert printed(shown(expires="2026-11-23T15:04:05Z"), USED, shown(decisionsMAC="f" * 64)) == [
        "NAME STATE OPERATION TARGET REQUESTER DECIDED-BY AGE EXPIRES",
        "appr-7f3a2c91d0e4b5a6 Pending DELETE namespaces/prod system:serviceaccount:agents:bot 5 min in 55 min",
        "appr-7f3a2c91d0e4b5a6 Used DELETE namespaces/prod system:serviceaccount:agents:bot alice@example.com 5 min",
        "appr-7f3a2c91d0e4b5a6 ALARM DELETE namespaces/prod system:serviceaccount:agents:bot 5 min",
    ]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (shown(), f"{AT}  Pending    {WHAT}  decide in 55 min"),
        (shown(TWO, said=(YES,)), f"{AT}  Pending    {WHAT}  decide in 55 min, 1 so far"),
        (USED, f'{AT}  Used       {WHAT}  by alice@example.com: "the move is done"'),
        (shown(state="Denied", said=(NO,), decidedBy="bob"), f"{AT}  Denied     {WHAT}  by bob"),
        (shown(decisionsMAC="f" * 64), f"{AT}  ALARM      {WHAT}  decisions that were recorded are missing"),
    ],
)
def test_a_line_says_what_comes_next_or_who_decided(found: Seen, text: str) -> None:
    """Its beginning is the same for all."""
    assert line(found, now=NOW).plain == text
