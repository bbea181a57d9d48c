"""Subjects as CEL: which callers' requests the API server sends us.

The conditions must never leave an agent out. They may let somebody else in: that costs one call, because the
judge decides again by `Subject.matches`. So what is included is a necessary condition of the subject
(`{namespace: "team-*", name: "*-bot"}` starts with `system:serviceaccount:team-` and ends with `-bot`), and an
excluded subject is subtracted only where it can be said exactly; any other exclusion is left to the judge.

No regular expressions: their cost estimate makes the API server refuse people with many groups (KUBERNETES.md).
A name that begins with `system:serviceaccount:` and has no second colon is no ServiceAccount; Kubernetes makes none.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from webhook.admission.request import SERVICE_ACCOUNT_PREFIX
from webhook.admission.subject import Subject, SubjectKind
from webhook.policy.compile import PolicySet

CONDITION_LIMIT = 50_000
"""Characters of one selection. The API server refuses an expression at about 100,000."""

GROUP_GLOBS_LIMIT = 128
"""Globs of groups in one selection. Each is tried on each group of each caller: some 7 units of cost, so with 500
groups 450,000 of the 1,000,000 that the API server spends on an expression before it refuses the caller. Names of
groups cost next to nothing. Source: k8s.io/apiserver/pkg/apis/cel/config.go"""

_T = TypeVar("_T")

_FRAME = 500
"""Characters that stand around the names of one term, at most."""

USERNAME = "request.userInfo.username"
_GROUPS = "request.userInfo.groups"


@dataclass(frozen=True, slots=True, order=True)
class _Test:
    """One comparison of the user name or of a group `g`. `text` is a CEL literal if exact, else an expression."""

    of_group: bool
    is_exact: bool
    text: str

    @property
    def weight(self) -> int:
        """What it takes of a selection: characters, more where it costs more to try than to write."""
        written = len(self.text) + 4
        return written if self.is_exact or not self.of_group else max(written, CONDITION_LIMIT // GROUP_GLOBS_LIMIT)


@dataclass(frozen=True, slots=True, order=True)
class _Part:
    """A piece of a selection."""

    text: str
    weight: int


_NOTHING = _Part("", 0)


def selections(policies: PolicySet) -> tuple[str, ...]:
    """Return CEL expressions of bounded size; the caller is an agent if one of them is true. Empty: no agents."""
    by_exclusion: dict[_Part, set[_Test]] = defaultdict(set)
    for policy in policies.subjects:
        by_exclusion[_exclusion(policy.exclude_subjects)] |= set(_included(policy.subjects))
    terms: list[_Part] = []
    for exclusion, tests in sorted(by_exclusion.items()):
        extra = sorted(tests - by_exclusion.get(_NOTHING, set()) if exclusion.text else tests)
        for part in _packed_tests(extra, CONDITION_LIMIT - exclusion.weight - _FRAME):
            excluding = f"({part.text}) && !({exclusion.text})" if exclusion.text else part.text
            terms.append(_Part(excluding, max(len(excluding) + 6, part.weight + exclusion.weight)))
    return tuple(
        _joined_terms([term.text for term in part])
        for part in packed(terms, [term.weight for term in terms], CONDITION_LIMIT)
    )


def quoted(text: str) -> str:
    """Write a CEL string literal. Whatever is not plain ASCII is escaped, so no name can end the literal."""
    return "'" + "".join(_escaped(character) for character in text) + "'"


def listed(texts: Iterable[str]) -> str:
    """Write a CEL list of string literals."""
    return f"[{', '.join(quoted(text) for text in texts)}]"


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return "\\ufffd"  # what Go makes of half a character; CEL has no literal for one
    if " " <= character <= "~" and character not in "'\\":
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _included(subjects: Iterable[Subject]) -> Iterator[_Test]:
    for subject in subjects:
        if subject.kind is not SubjectKind.SERVICE_ACCOUNT:
            yield _test(_pieces(subject.name), of_group=subject.kind is SubjectKind.GROUP)
        elif ":" not in subject.namespace:  # no namespace has one: such a subject is nobody
            yield _test(_account_pieces(subject), of_group=False)


def _exclusion(subjects: Iterable[Subject]) -> _Part:
    exact = [subject for subject in subjects if _can_be_said_exactly(subject)]
    return next(_packed_tests(sorted(set(_included(exact))), CONDITION_LIMIT // 2), _NOTHING)


def _packed_tests(tests: Sequence[_Test], budget: int) -> Iterator[_Part]:
    for part in packed(tests, [test.weight for test in tests], budget):
        yield _Part(_one_of(part), sum(test.weight for test in part))


def _can_be_said_exactly(subject: Subject) -> bool:
    if subject.kind is not SubjectKind.SERVICE_ACCOUNT:
        return True
    name, namespace = _pieces(subject.name), _pieces(subject.namespace)
    if len(namespace) == 1:
        return len(name) == 1 or name[1:] == [""] or (name[0] == "" and len(name) == 2 and ":" not in name[1])
    return name == ["", ""] and namespace[1:] == [""]


def _account_pieces(subject: Subject) -> list[str]:
    pieces = [SERVICE_ACCOUNT_PREFIX]
    for more in (_pieces(subject.namespace), [":"], _pieces(subject.name)):
        pieces = [*pieces[:-1], pieces[-1] + more[0], *more[1:]]
    return pieces


def _pieces(glob: str) -> list[str]:
    """Split a glob at its `*`; one piece = an exact name. Mirrors `admission.subject.glob_matches`."""
    if glob in {"*", "**"}:
        return ["", ""]
    starts_open, ends_open = glob.startswith("*"), glob.endswith("*")
    return [""] * starts_open + [glob[starts_open : len(glob) - ends_open]] + [""] * ends_open


def _test(pieces: Sequence[str], *, of_group: bool) -> _Test:
    """Compare with pieces in order and anything between them: a necessary condition of that."""
    value = "g" if of_group else USERNAME
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return _Test(of_group, True, quoted(first))
    conditions = [f"{value}.startsWith({quoted(first)})"] if first else []
    conditions += [f"{value}.contains({quoted(piece)})" for piece in pieces[1:-1] if piece not in first]
    conditions += [f"{value}.endsWith({quoted(last)})"] if last else []
    return _Test(of_group, False, " && ".join(conditions) or "true")


def _one_of(tests: Sequence[_Test]) -> str:
    parts = _alternatives([test for test in tests if not test.of_group], USERNAME)
    of_groups = _alternatives([test for test in tests if test.of_group], "g")
    if of_groups:
        parts.append(f"(has({_GROUPS}) && {_GROUPS}.exists(g, {' || '.join(of_groups)}))")
    return " || ".join(parts)


def _alternatives(tests: Sequence[_Test], value: str) -> list[str]:
    exact = [test.text for test in tests if test.is_exact]
    parts = [f"{value} in [{', '.join(exact)}]"] if exact else []
    return parts + [f"({test.text})" for test in tests if not test.is_exact]


def _joined_terms(terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else " || ".join(f"({term})" for term in terms)


def packed(items: Sequence[_T], lengths: Sequence[int], budget: int) -> Iterator[list[_T]]:
    """Cut a sequence into parts whose lengths sum up to at most the budget, at least one item each."""
    part: list[_T] = []
    used = 0
    for item, length in zip(items, lengths, strict=True):
        if part and used + length > budget:
            yield part
            part, used = [], 0
        part.append(item)
        used += length
    if part:
        yield part
