"""A session is one credential: two Pods are two, one Pod with a new token is one, impersonation is its own."""

from __future__ import annotations

from typing import Any

import pytest

from auditsink.intake.columns import Columns
from auditsink.intake.identity import identity_of, is_unbound
from auditsink.intake.record import Identity
from tests.auditsink.samples import BOT, JTI, event, user

OTHER = "JTI=64e2af1f-90ae-43fb-ac2a-bec7b2256ab9"
POD = {"pod_name": "bot-0", "pod_uid": "aaaa"}


def of(cluster: str = "prod", **changes: Any) -> Identity:
    """The identity of an event."""
    return identity_of(event(**changes), cluster=cluster, columns=Columns())


def test_two_pods_of_one_service_account_are_two_sessions() -> None:
    """Whatever their tokens are."""
    one, two = (of(user=user(credential_id=JTI, pod_name=f"bot-{uid}", pod_uid=uid)) for uid in ("a", "b"))
    assert one.session != two.session
    assert (one.username, one.kind, one.key, one.pod) == (BOT, "pod", "a", "agents/bot-a")


def test_a_pod_whose_token_is_renewed_stays_one_session() -> None:
    """The Pod is what lasts."""
    assert of(user=user(credential_id=JTI, **POD)) == of(user=user(credential_id=OTHER, **POD))


@pytest.mark.parametrize(
    ("who", "kind", "key"),
    [
        pytest.param(user(credential_id=JTI), "credential", JTI, id="a token without a Pod"),
        pytest.param(user("alice", credential_id="X509SHA256=ab"), "certificate", "X509SHA256=ab", id="a certificate"),
        pytest.param(user("alice"), "user", "alice", id="neither"),
        pytest.param(None, "user", "", id="nobody"),
        pytest.param(
            {"username": 7, "extra": {"authentication.kubernetes.io/pod-uid": [7]}}, "user", "", id="nonsense"
        ),
    ],
)
def test_what_else_makes_a_session(who: Any, kind: str, key: str) -> None:
    """Token, else certificate, else user."""
    found = of(user=who)
    assert (found.kind, found.key) == (kind, key)


def test_a_session_belongs_to_one_cluster() -> None:
    """The same user elsewhere is another session."""
    assert of("prod").session != of("test").session


def test_an_impersonator_cannot_write_into_the_session_of_whom_it_plays() -> None:
    """The extra fields of the impersonated user are made up by the impersonator."""
    victim = of(user=user(credential_id=JTI, **POD))
    actor = user("mallory", credential_id=OTHER)
    played = of(user=actor, impersonatedUser=user(BOT, credential_id=JTI, **POD))
    assert (played.username, played.kind, played.key) == (BOT, "credential", OTHER)
    assert played.session not in (victim.session, of(user=actor).session)


def test_names_that_are_cut_do_not_mix_sessions() -> None:
    """The session is made of the whole name."""
    one, two = (of(user=user("x" * 300 + end)) for end in "ab")
    assert one.username == two.username
    assert one.session != two.session


@pytest.mark.parametrize(
    ("changes", "unbound"),
    [
        ({"user": user(BOT)}, True),
        ({"user": user(BOT, credential_id=JTI)}, False),
        ({"user": user("alice")}, False),
        ({"user": user("alice"), "impersonatedUser": user(BOT)}, True),
        ({"user": user(BOT), "impersonatedUser": user("alice")}, False),
    ],
)
def test_a_service_account_without_credential_is_unbound(changes: dict[str, Any], unbound: bool) -> None:
    """A static token, or somebody who plays a ServiceAccount."""
    assert is_unbound(event(**changes)) is unbound
