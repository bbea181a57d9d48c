"""Whom a command means: exactly one, never a glob, never those by whom the cluster works."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubescrow.agent.identity import Identity, WrongIdentity, identity, why_not_lockable
from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind

BOT = {"serviceAccount": {"namespace": "agents", "name": "bot"}}
USERNAME = "system:serviceaccount:agents:bot"
ME = User("alice@example.com", groups=("sre", "system:authenticated"))


def meant(name: str = "", *, namespace: str = "", user: str = "", group: str = "") -> Identity:
    """What the arguments mean."""
    return identity(name, namespace=namespace, user=user, group=group)


@pytest.mark.parametrize(
    ("whom", "entry"),
    [
        pytest.param(meant("bot", namespace="agents"), BOT, id="a name and a namespace"),
        pytest.param(meant("agents/bot"), BOT, id="both in one word"),
        pytest.param(meant(USERNAME), BOT, id="the username that approvals show"),
        pytest.param(meant(USERNAME, namespace="agents"), BOT, id="the username and the same namespace"),
        pytest.param(meant(user=USERNAME), BOT, id="the username as a user"),
        pytest.param(meant(user="ci-7"), {"user": "ci-7"}, id="a user"),
        pytest.param(meant(group="bots"), {"group": "bots"}, id="a group"),
    ],
)
def test_each_way_to_name_somebody(whom: Identity, entry: object) -> None:
    """All ways to name one ServiceAccount mean the same, so that a lock is found again."""
    assert whom.entry == entry
    assert whom.lock_name == meant("agents/bot").lock_name or entry != BOT


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "exactly one of NAME, --user, --group"),
        ({"name": "bot", "user": "x"}, "exactly one of NAME, --user, --group"),
        ({"name": "bot"}, "of which namespace?"),
        ({"name": "agents/bot", "namespace": "prod"}, "lies in another one"),
        ({"name": "agents/bot/x"}, "lower case letters"),
        ({"name": "*", "namespace": "agents"}, "no *"),
        ({"name": "bot", "namespace": "*"}, "no *"),
        ({"name": "BOT", "namespace": "agents"}, "lower case letters"),
        ({"name": "system:serviceaccount:agents"}, "lower case letters"),
        ({"user": "ci-*"}, "one exact name"),
        ({"group": "*"}, "one exact name"),
        ({"user": "a\nb"}, "one exact name"),
        ({"user": "x" * 254}, "one exact name"),
        ({"group": "bots", "namespace": "agents"}, "only a ServiceAccount has one"),
    ],
)
def test_what_names_nobody_or_many_is_refused(arguments: dict[str, str], why: str) -> None:
    """A glob would lock more than was meant."""
    with pytest.raises(WrongIdentity, match=re.escape(why)):
        meant(**{"name": "", **arguments})


@pytest.mark.parametrize(
    ("whom", "why"),
    [
        (meant("agents/bot"), ""),
        (meant(user="ci-7"), ""),
        (meant(group="system:serviceaccounts:agents"), ""),
        (meant(user="alice@example.com"), "is you (alice@example.com)"),
        (meant(group="sre"), "is you (alice@example.com)"),
        (meant("kube-system/namespace-controller"), "the cluster or Kubescrow itself"),
        (meant("kubescrow/kubescrow-webhook"), "the cluster or Kubescrow itself"),
        (meant(group="system:masters"), "begins with system:"),
        (meant(group="system:serviceaccounts"), "begins with system:"),
        (meant(group="system:serviceaccounts:kube-system"), "begins with system:"),
        (meant(group="system:nodes"), "begins with system:"),
        (meant(user="system:kube-scheduler"), "begins with system:"),
        (meant(group="system:authenticated"), "is you"),
    ],
)
def test_nobody_locks_themselves_out_or_the_cluster_down(whom: Identity, why: str) -> None:
    """The kill switch is for agents."""
    said = why_not_lockable(whom, me=ME, own_namespace="kubescrow")
    assert why in said
    assert bool(why) == bool(said)


SUBJECTS = st.builds(
    Subject,
    st.sampled_from(SubjectKind),
    st.text(min_size=1, max_size=260),
    st.sampled_from(["", "a", "a-b", "agents"]),
)


@given(SUBJECTS, SUBJECTS)
def test_a_lock_has_a_valid_name_that_no_other_subject_has(one: Subject, other: Subject) -> None:
    """`a-b/c` and `a/b-c` look alike and are not the same agent."""
    name = Identity(one).lock_name
    assert re.fullmatch(r"lock-([a-z0-9]([-a-z0-9]*[a-z0-9])?-)?[0-9a-f]{12}", name)
    assert len(name) <= 63
    assert (Identity(other).lock_name == name) == (one == other)


def test_two_agents_whose_names_look_alike_have_two_locks() -> None:
    """The readable part is for people; the digits tell apart."""
    one, other = meant("a-b/c"), meant("a/b-c")
    assert one.lock_name.startswith("lock-a-b-c-")
    assert other.lock_name.startswith("lock-a-b-c-")
    assert one.lock_name != other.lock_name
    assert meant(user="agents/bot").lock_name != meant("agents/bot").lock_name
