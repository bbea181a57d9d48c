"""Which callers the API server sends us: never one too few, and no name can break out of its quotes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.webhook.cluster.build import account, broken, group, policies, policy, user
from tests.webhook.cluster.matching import holds
from webhook.admission.request import SERVICE_ACCOUNT_PREFIX, User
from webhook.admission.subject import Subject, SubjectKind
from webhook.cluster.selection import CONDITION_LIMIT, GROUP_GLOBS_LIMIT, quoted, selections
from webhook.policy.compile import PolicySet

U = "request.userInfo.username"
G = "request.userInfo.groups"
SA = "system:serviceaccount"

PARTS = st.text("ab-", min_size=1, max_size=3)
GLOBS = st.builds(
    lambda left, core, right: left + core + right, st.sampled_from(["", "*"]), PARTS, st.sampled_from(["", "*"])
)
ANY_GLOBS = GLOBS | st.just("*")
SUBJECTS = st.one_of(
    st.builds(account, ANY_GLOBS, ANY_GLOBS),
    st.builds(user, GLOBS | st.sampled_from([f"{SA}:a:b", f"{SA}:*", "*:b"])),
    st.builds(group, GLOBS),
)
POLICIES = st.builds(
    lambda named, out: policy(*named, exclude=out),
    st.lists(SUBJECTS, min_size=1, max_size=4),
    st.lists(SUBJECTS, max_size=3),
)
# Kubernetes makes no user name that begins like a ServiceAccount and has no second colon; more colons are possible.
NAMES = st.text("ab-:", max_size=5).filter(lambda text: not text.startswith(SERVICE_ACCOUNT_PREFIX))
USERNAMES = NAMES | st.builds(
    lambda namespace, name: f"{SA}:{namespace}:{name}", PARTS, st.text("ab-:", min_size=1, max_size=4)
)
USERS = st.builds(lambda name, groups: User(name, groups=tuple(groups)), USERNAMES, st.lists(PARTS, max_size=2))


def selected(policy_set: PolicySet, caller: User) -> bool:
    person = {"username": caller.username, **({"groups": list(caller.groups)} if caller.groups else {})}
    return any(holds(expression, {"userInfo": person}) for expression in selections(policy_set))


@pytest.mark.parametrize(
    ("subject", "expression"),
    [
        pytest.param(account("agents", "bot"), f"{U} in ['{SA}:agents:bot']", id="one ServiceAccount"),
        pytest.param(account("agents", "*"), f"({U}.startsWith('{SA}:agents:'))", id="all of a namespace"),
        pytest.param(account("*", "bot"), f"({U}.startsWith('{SA}:') && {U}.endsWith(':bot'))", id="a name anywhere"),
        pytest.param(
            account("team-*", "*-bot"),
            f"({U}.startsWith('{SA}:team-') && {U}.endsWith('-bot'))",
            id="globs in namespace and name",
        ),
        pytest.param(
            account("*-ci", "run*"),
            f"({U}.startsWith('{SA}:') && {U}.contains('-ci:run'))",
            id="globs that face each other outwards",
        ),
        pytest.param(user("ci-*"), f"({U}.startsWith('ci-'))", id="users by prefix"),
        pytest.param(user("*bot*"), f"({U}.contains('bot'))", id="users by part"),
        pytest.param(group("sre"), f"(has({G}) && {G}.exists(g, g in ['sre']))", id="a group"),
        pytest.param(group("*:agents"), f"(has({G}) && {G}.exists(g, (g.endsWith(':agents'))))", id="groups by suffix"),
        pytest.param(user("o'neil\\"), f"{U} in ['o\\u0027neil\\u005c']", id="quotes and backslashes are escaped"),
    ],
)
def test_a_subject_becomes_cheap_cel(subject: Subject, expression: str) -> None:
    assert selections(policies(policy(subject))) == (expression,)


def test_without_policies_nobody_is_selected() -> None:
    """No expression at all, so no webhook is registered."""
    assert selections(policies()) == ()


def test_an_exclusion_is_subtracted_from_its_own_policy_only() -> None:
    """Another policy may name whom this one excludes."""
    first = policy(account("agents", "*"), exclude=[account("agents", "human")], name="a")
    (expression,) = selections(policies(first))
    assert expression == f"(({U}.startsWith('{SA}:agents:'))) && !({U} in ['{SA}:agents:human'])"
    assert not selected(policies(first), User(f"{SA}:agents:human"))
    assert selected(policies(first, policy(user(f"{SA}:agents:human"), name="b")), User(f"{SA}:agents:human"))


def test_an_exclusion_that_cannot_be_said_exactly_is_left_to_the_judge() -> None:
    """Subtracting every name that ends in `:bot` would also subtract agents that the policy does not exclude."""
    (expression,) = selections(policies(policy(account("*", "*"), exclude=[account("a-*", "*-b")])))
    assert expression == f"({U}.startsWith('{SA}:'))"


def test_subjects_of_a_broken_policy_are_selected() -> None:
    """A policy that does not compile denies; for that it must be asked."""
    assert selected(policies(broken(user("bot"))), User("bot"))


MANY = settings(max_examples=250)
"""Of up to 60 callers each: some 10,000 in a run."""
CALLERS = st.lists(USERS, min_size=20, max_size=60)


@MANY
@given(st.lists(POLICIES, max_size=3), CALLERS)
def test_no_agent_is_ever_left_out(members: list[object], callers: list[User]) -> None:
    """Whatever globs and exclusions: who is a subject is selected. The other way round only costs a call."""
    policy_set = policies(*members)  # type: ignore[arg-type]
    assert [one for one in callers if policy_set.is_agent(one) and not selected(policy_set, one)] == []


@MANY
@given(
    st.lists(
        st.builds(user, GLOBS) | st.builds(group, GLOBS) | st.builds(account, PARTS, PARTS | st.just("*")),
        min_size=1,
        max_size=4,
    ),
    CALLERS,
)
def test_users_groups_and_plain_service_accounts_are_selected_exactly(
    subjects: list[Subject], callers: list[User]
) -> None:
    """Nobody else reaches the webhook, so nobody else is stopped when it is down."""
    policy_set = policies(policy(*subjects))
    by_hand = [any(subject.matches(caller) for subject in subjects) for caller in callers]
    assert [selected(policy_set, caller) for caller in callers] == by_hand


# cel-expr-python cuts a Python string at NUL, so that one character cannot be tried here.
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_quoted_text_is_that_text_and_nothing_else(text: str) -> None:
    """A name cannot end its literal and add a condition of its own."""
    assert holds(f"request.text == {quoted(text)}", {"text": text})


@given(st.sampled_from(list(SubjectKind)), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_name_makes_a_condition_that_does_not_compile(kind: SubjectKind, name: str) -> None:
    """An expression that the API server refuses would leave all agents unregistered."""
    for expression in selections(policies(policy(Subject(kind, name, "agents")))):
        holds(expression, {"userInfo": {"username": "somebody"}})


def test_half_a_character_is_replaced_as_the_api_server_does() -> None:
    """CEL has no literal for a lone surrogate."""
    assert quoted("a\ud800") == "'a\\ufffd'"


def test_many_subjects_are_split_and_none_is_lost() -> None:
    """Each expression stays below the limit, and every subject is in one of them."""
    subjects = [account("agents", f"{'worker' * 10}-{number}") for number in range(1500)]
    expressions = selections(policies(policy(*subjects, exclude=[user("x")])))
    assert len(expressions) > 1
    assert all(len(expression) <= CONDITION_LIMIT for expression in expressions)
    for subject in subjects[:: len(subjects) - 1]:
        wire = {"userInfo": {"username": f"{SA}:agents:{subject.name}"}}
        assert [holds(expression, wire) for expression in expressions].count(True) == 1


def test_globs_of_groups_are_split_before_they_cost_too_much() -> None:
    """Short as they are: each is tried on each group of each person, whom the API server would refuse for it."""
    subjects = [group(f"*:{number}") for number in range(2 * GROUP_GLOBS_LIMIT)]
    expressions = selections(policies(policy(*subjects)))
    assert len(expressions) in {2, 3}
    assert all(expression.count("endsWith") <= GROUP_GLOBS_LIMIT for expression in expressions)
