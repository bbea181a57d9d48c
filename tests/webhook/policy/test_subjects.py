"""The index names exactly whom its entries name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind, any_matches
from webhook.policy.subjects import SubjectIndex

NAMES = st.sampled_from(["a", "b", "ab", "system:serviceaccount:a:b", "system:serviceaccount:a:b:c"])
GLOBS = st.sampled_from(["a", "b", "ab", "a*", "*b", "*", "*a*", "system:serviceaccount:a:b", "b:c"])
NAMESPACES = st.sampled_from(["a", "b", "a*", "*"])
SUBJECTS = st.builds(Subject, st.sampled_from([SubjectKind.USER, SubjectKind.GROUP]), GLOBS) | st.builds(
    Subject, st.just(SubjectKind.SERVICE_ACCOUNT), GLOBS, NAMESPACES
)
USERS = st.builds(User, NAMES, groups=st.lists(NAMES, max_size=3).map(tuple))


@given(st.lists(SUBJECTS, max_size=6), USERS)
def test_same_as_one_by_one(subjects: list[Subject], user: User) -> None:
    """Sets only make it quick."""
    assert SubjectIndex.of(subjects).matches(user) is any_matches(subjects, user)
