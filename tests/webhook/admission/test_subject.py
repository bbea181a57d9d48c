"""An entry names exactly the users that it says, and nobody whose name only looks alike."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind, any_matches, glob_matches

ACCOUNT, USER, GROUP = SubjectKind.SERVICE_ACCOUNT, SubjectKind.USER, SubjectKind.GROUP
BOT = User("system:serviceaccount:agents:bot", groups=("system:serviceaccounts", "system:serviceaccounts:agents"))
ANN = User("ann", groups=("sre",))


@pytest.mark.parametrize(
    ("subject", "user", "is_named"),
    [
        pytest.param(Subject(ACCOUNT, "bot", "agents"), BOT, True, id="a ServiceAccount by its names"),
        pytest.param(Subject(ACCOUNT, "*", "agents"), BOT, True, id="every ServiceAccount of a namespace"),
        pytest.param(Subject(ACCOUNT, "*", "*"), BOT, True, id="every ServiceAccount"),
        pytest.param(Subject(ACCOUNT, "b*", "*ents"), BOT, True, id="a ServiceAccount by parts of both names"),
        pytest.param(Subject(ACCOUNT, "bot", "agent"), BOT, False, id="another namespace"),
        pytest.param(Subject(ACCOUNT, "bot"), BOT, False, id="no namespace is no namespace"),
        pytest.param(Subject(ACCOUNT, "*", "*"), ANN, False, id="a person is no ServiceAccount"),
        pytest.param(Subject(USER, "ann"), ANN, True, id="a person by name"),
        pytest.param(Subject(USER, "Ann"), ANN, False, id="case matters, as in RBAC"),
        pytest.param(Subject(USER, "sre"), ANN, False, id="a group is no user"),
        pytest.param(Subject(USER, "system:serviceaccount:agents:*"), BOT, True, id="a ServiceAccount by its username"),
        pytest.param(Subject(GROUP, "sre"), ANN, True, id="a group"),
        pytest.param(Subject(GROUP, "system:serviceaccounts:*"), BOT, True, id="one of several groups, by a part"),
        pytest.param(Subject(GROUP, "ann"), ANN, False, id="a user is no group"),
        pytest.param(Subject(GROUP, "*"), User("alone"), False, id="somebody without groups is in none"),
    ],
)
def test_whom_an_entry_names(subject: Subject, user: User, is_named: bool) -> None:
    """Each kind looks at its own part of the user."""
    assert subject.matches(user) is is_named
    assert any_matches([Subject(USER, "nobody"), subject], user) is is_named


def test_no_entries_name_nobody() -> None:
    """An empty list matches no one."""
    assert not any_matches([], ANN)


STARLESS = st.text(st.characters(blacklist_characters="*?[]"), max_size=5)


@given(STARLESS, st.sampled_from(["", "*"]), st.sampled_from(["", "*"]), STARLESS, STARLESS)
def test_a_glob_means_what_it_means_in_a_shell(core: str, start: str, end: str, before: str, after: str) -> None:
    """With a star at either end the rest of a name is free; everything else is literal."""
    glob = f"{start}{core}{end}"
    for text in (core, before + core, core + after, before + core + after, before):
        assert glob_matches(glob, text) is fnmatchcase(text, glob)


@pytest.mark.parametrize(
    ("glob", "text", "does"),
    [
        pytest.param("*", "", True, id="a star matches nothing at all"),
        pytest.param("**", "any", True, id="two stars are one"),
        pytest.param("", "", True, id="nothing matches nothing"),
        pytest.param("", "any", False, id="nothing matches nothing else"),
        pytest.param("a*b", "axb", False, id="a star in the middle is only a star"),
        pytest.param("a*b", "a*b", True, id="which matches itself"),
        pytest.param("a.c", "abc", False, id="a dot is a dot"),
        pytest.param("ci-?", "ci-1", False, id="a question mark is a question mark"),
        pytest.param("*a*", "bab", True, id="in the middle"),
    ],
)
def test_how_a_glob_matches(glob: str, text: str, does: bool) -> None:
    """Only a star at an end is special."""
    assert glob_matches(glob, text) is does
