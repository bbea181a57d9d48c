"""The check and the always-on rule judge the same, in the same words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webhook.policy.language import BOT, HUMAN, POD, asks, judged, policy
from webhook.admission.request import CREDENTIAL_ID, User
from webhook.checks.bound_token import CHECK
from webhook.checks.inspection import Inspection

EVERYBODY: dict[str, Any] = {"subjects": [{"user": "*e*"}]}


@pytest.mark.parametrize(
    "user",
    [
        BOT,
        HUMAN,
        User(BOT.username),
        User(BOT.username, extra={CREDENTIAL_ID: ()}),
        User(BOT.username, extra={CREDENTIAL_ID: ("X509SHA256=1",)}),
        User(BOT.username, extra={CREDENTIAL_ID: ("X509SHA256=1", "JTI=2")}),
        User(BOT.username, extra={CREDENTIAL_ID.upper(): ("JTI=2",)}),
        User("system:serviceaccount"),
        User("system:serviceaccount:a:b:c"),
        User("jane", extra={CREDENTIAL_ID: ()}),
    ],
    ids=lambda user: f"{user.username} {dict(user.extra)}",
)
def test_one_judgement(user: User) -> None:
    """Whoever is stopped by one is stopped by the other."""
    request = asks("CREATE", POD, user=user)
    by_rule = [finding.message for finding in judged(request, policy(**EVERYBODY)).findings]
    by_check = [said.removeprefix("bound-token: ") for said in CHECK.findings(Inspection(request))]
    assert by_check == by_rule


def test_names_cannot_forge_a_line() -> None:
    """The target is named in the message, on one line."""
    request = asks("CREATE", {**POD, "metadata": {"name": "x\n\u202e"}}, user=User(BOT.username))
    [said] = CHECK.findings(Inspection(request))
    assert said.isprintable()
