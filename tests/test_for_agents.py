"""docs/for-agents.md says to a language model exactly what the webhook says to it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kubescrow.agent.identity import service_account
from kubescrow.agent.lock import lock_policy
from tests.webhook.admission.test_message import NOTICE, REQUEST
from webhook.admission import message
from webhook.admission.review import Answer
from webhook.approval.lifecycle import State
from webhook.approval.record import REASON

DOCUMENT = Path(__file__).resolve().parent.parent / "docs/for-agents.md"
TEXT = DOCUMENT.read_text()
PROMPT, LINES = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
SAID_NO = replace(NOTICE, state="Denied", decided_by="alice@example.com", reason="we still need it")
LATE = "its time was up before it could pass"

REQUIRED = message.approval_required(REQUEST, NOTICE, retry_after_s=None)
UNUSABLE = message.approval_unusable(REQUEST, NOTICE, LATE)
DENIED = message.approval_denied(REQUEST, SAID_NO)


def test_it_is_short_enough_to_be_pasted() -> None:
    """A page, not a manual."""
    assert len(TEXT.splitlines()) < 60


@pytest.mark.parametrize("answer", [REQUIRED, UNUSABLE, DENIED])
def test_the_lines_are_those_that_the_webhook_writes(answer: Answer) -> None:
    """Word for word; on a failure, copy the line from here."""
    assert answer.message in LINES.splitlines()
    assert f"`{answer.causes[0][0]}`" in TEXT


def test_no_other_line_is_promised() -> None:
    """What the webhook does not say is not in the document."""
    assert set(LINES.splitlines()) == {REQUIRED.message, UNUSABLE.message, DENIED.message}


@pytest.mark.parametrize("answer", [REQUIRED, DENIED])
def test_the_instructions_name_the_beginning_of_each_line(answer: Answer) -> None:
    """The fixed word and the keys, in their order."""
    word, *pairs = answer.message.partition(";")[0].split(" ")
    beginning = " ".join([word, *(f"{pair.partition('=')[0]}=" for pair in pairs)])
    assert beginning in re.sub(r"=[A-Z]+", "=", PROMPT)


def test_every_state_has_its_instruction() -> None:
    """An agent that looks its approval up knows what to do next."""
    assert [state for state in State if state.value not in PROMPT] == []


def test_the_words_for_a_no_a_lock_and_the_agents_own_reason_are_those_of_the_code() -> None:
    """What the agent is to look for, and where it may write."""
    assert f'"was {State.DENIED.lower()}:"' in PROMPT
    assert f"was {State.DENIED.lower()}: " in DENIED.message
    assert "was revoked: " in message.approval_denied(REQUEST, replace(SAID_NO, state="Revoked")).message
    rules = lock_policy(service_account("agents", "bot"), by="alice", reason="")["spec"]["rules"]
    assert all("this agent is locked" in rule["message"] for rule in rules)
    assert "this agent is locked" in PROMPT
    assert f"annotation {REASON}" in " ".join(PROMPT.split())


def test_a_denial_looks_as_described() -> None:
    """`POLICY/RULE: ...`, as the API server shows it after its own words."""
    assert "denied the request: POLICY/RULE: ..." in PROMPT
