"""Who sends the manifests has all that Kubernetes would add; nobody is made up."""

from __future__ import annotations

from typing import Any

import pytest

from kubescrow.checking.user import Credential, NoUser, user_info, user_of
from tests.webhook.policy.language import policy
from webhook.admission.request import CREDENTIAL_ID
from webhook.policy.compile import PolicySet, compile_set

BOT = "system:serviceaccount:agents:bot"


def policies(*subjects: dict[str, Any]) -> PolicySet:
    """Two policies for these subjects."""
    return compile_set([policy(name="a", subjects=list(subjects)), policy(name="b", subjects=list(subjects))])


def account(name: str = "bot") -> dict[str, Any]:
    """A subject."""
    return {"serviceAccount": {"namespace": "agents", "name": name}}


def test_a_service_account_has_its_groups_and_a_bound_token() -> None:
    """As a request of it would."""
    user = user_of(Credential(BOT, ("more",)), policies(account("*")))
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:agents", "system:authenticated", "more")
    assert user.is_bound
    written = {"username": BOT, "groups": list(user.groups), "extra": {CREDENTIAL_ID: ["JTI=offline"]}}
    assert user_info(user) == written


def test_an_unbound_credential_has_no_id() -> None:
    """A static token, or somebody who impersonates."""
    user = user_of(Credential(BOT, is_bound=False), policies(account()))
    assert not user.is_bound
    assert "extra" not in user_info(user)


@pytest.mark.parametrize(
    ("name", "groups"),
    [("ci-1", ("system:authenticated", "agents")), ("system:anonymous", ("system:unauthenticated", "agents"))],
)
def test_others_have_one_group_of_their_own(name: str, groups: tuple[str, ...]) -> None:
    """And no credential id, which only ServiceAccounts need."""
    user = user_of(Credential(name, ("agents",)), policies({"group": "agents"}))
    assert (user.groups, user.extra) == (groups, {})


def test_the_only_service_account_of_all_policies_is_the_default() -> None:
    """However many policies name it."""
    assert user_of(Credential(), policies(account())).username == BOT


@pytest.mark.parametrize(
    "subjects",
    [
        [account("*")],
        [account("b*")],
        [account(), account("other")],
        [account(), {"group": "agents"}],
        [{"user": BOT}],
    ],
    ids=["a glob", "half a glob", "two", "one and a group", "a user, which could be anybody"],
)
def test_otherwise_it_must_be_said(subjects: list[dict[str, Any]]) -> None:
    """A guess would judge by some policies and leave others out."""
    with pytest.raises(NoUser, match=r"^--as is left out and the policies do not name exactly one ServiceAccount"):
        user_of(Credential(), policies(*subjects))


@pytest.mark.parametrize("name", ["system:serviceaccount:agents:bto", "jane", "system:serviceaccount:agents"])
def test_a_user_whom_no_policy_names_is_refused(name: str) -> None:
    """Else a typing mistake would let everything pass for ever."""
    with pytest.raises(NoUser, match=f"^--as {name}: no policy names this user"):
        user_of(Credential(name), policies(account()))


def test_an_excluded_service_account_is_not_judged() -> None:
    """It is named by nobody."""
    excluded = compile_set([policy(subjects=[account()], excludeSubjects=[account("b*")])])
    with pytest.raises(NoUser):
        user_of(Credential(), excluded)
