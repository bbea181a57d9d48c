"""An Approval means the same on the wire and in memory, and a malformed one is never half understood."""

import copy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook.approval.build import NOW, SRE, approval, requirement, spec, stored
from webhook.admission.request import User
from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Requirement, Terms
from webhook.approval.canonical import digest
from webhook.approval.record import LABEL, MalformedApproval, Touched, labels_of, parse_approval, parse_time, time_wire

NAMES = st.text(min_size=1, max_size=20)
SUBJECTS = st.builds(Subject, st.sampled_from([SubjectKind.USER, SubjectKind.GROUP]), NAMES) | st.builds(
    Subject, st.just(SubjectKind.SERVICE_ACCOUNT), NAMES, NAMES
)
TERMS = st.builds(
    Terms,
    approvals=st.integers(1, 10),
    require_reason=st.booleans(),
    approvers=st.none() | st.lists(SUBJECTS, min_size=1, max_size=3).map(tuple),
)
REQUIREMENTS = st.builds(Requirement, NAMES, NAMES, TERMS)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(REQUIREMENTS, min_size=1, max_size=4))
def test_a_spec_survives_the_wire(requirements: list[Requirement]) -> None:
    """What was asked of people is read back as it was written."""
    sent = spec(*requirements)
    assert parse_approval(stored(sent)).spec == sent


def test_people_find_an_approval_by_what_it_is_about() -> None:
    """A deletion of a namespace lies in that namespace; a user is never found as a ServiceAccount."""
    assert labels_of(spec()) == {
        "kubescrow.dev/agent": "agents.bot",
        "kubescrow.dev/operation": "DELETE",
        "kubescrow.dev/resource": "namespaces",
        "kubescrow.dev/namespace": "prod",
    }
    pod = Touched(group="", resource="pods", subresource="exec", namespace="web", name="p")
    assert labels_of(spec(requester=User("agents.bot"), touched=pod)) == {
        "kubescrow.dev/user": "agents.bot",
        "kubescrow.dev/operation": "DELETE",
        "kubescrow.dev/resource": "pods",
        "kubescrow.dev/namespace": "web",
    }


@given(st.text(max_size=80), st.text(max_size=80))
def test_labels_are_always_ones_that_the_api_server_takes(username: str, namespace: str) -> None:
    """Nobody's name keeps an approval from being stored."""
    touched = Touched(group="", resource="pods", subresource="", namespace=namespace, name="x")
    labels = labels_of(spec(requester=User(username), touched=touched))
    assert all(LABEL.fullmatch(value) and len(value) <= 63 for value in labels.values())


def test_the_digest_is_of_the_stored_spec_as_it_stands() -> None:
    """A field that this version does not know changes the digest, so signatures do not outlive it."""
    changed = stored(spec())
    changed["spec"]["later"] = True
    assert parse_approval(changed).spec_digest == digest(changed["spec"]) != approval().spec_digest


METADATA = ("name", "uid", "resourceVersion")
SPEC = tuple(key for key in spec().wire() if key != "reason")
FIELDS = [*(("metadata", key) for key in METADATA), *(("spec", key) for key in SPEC)]


@pytest.mark.parametrize(("part", "key"), FIELDS, ids=[f"{part} without {key}" for part, key in FIELDS])
def test_a_missing_field_makes_it_malformed(part: str, key: str) -> None:
    """Each field that the CRD requires is required here too."""
    broken = stored(spec())
    del broken[part][key]
    with pytest.raises(MalformedApproval):
        parse_approval(broken)


@given(st.sampled_from(FIELDS), JSON)
def test_any_junk_in_a_field_is_malformed_or_harmless(place: tuple[str, str], junk: Any) -> None:
    """Whatever stands in a field, reading it raises MalformedApproval and nothing else."""
    broken = copy.deepcopy(stored(spec()))
    broken[place[0]][place[1]] = junk
    try:
        name = parse_approval(broken).name
    except MalformedApproval as malformed:
        name = str(malformed)
    assert name


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param({"decisions": 5}, id="decisions that are no text"),
        pytest.param({"status": ["Used"]}, id="a status that is a list"),
        pytest.param({"use_within": float("inf")}, id="a number without end"),
        pytest.param({"approvers": [{}]}, id="an approver without a kind"),
        pytest.param({"approvers": [{"robot": "x"}]}, id="an approver of an unknown kind"),
    ],
)
def test_known_junk_is_malformed(junk: dict[str, Any]) -> None:
    """Values that have the wrong shape make the approval count for nothing."""
    broken = stored(spec())
    broken["metadata"]["annotations"] = {"kubescrow.dev/decisions": junk.get("decisions", "")}
    broken["status"] = junk.get("status", {})
    broken["spec"]["useWithinSeconds"] = junk.get("use_within", 600)
    broken["spec"]["requirements"][0]["approvers"] = junk.get("approvers")
    with pytest.raises(MalformedApproval):
        parse_approval(broken)


def test_approvers_are_written_as_a_policy_writes_them() -> None:
    """Each kind of approver has the field that it has in an AgentPolicy."""
    robot = Subject(SubjectKind.SERVICE_ACCOUNT, "robot", "ops")
    terms = Terms(approvers=(SRE, Subject(SubjectKind.USER, "ann"), robot))
    assert spec(requirement(terms=terms)).wire()["requirements"][0]["approvers"] == [
        {"group": "sre"},
        {"user": "ann"},
        {"serviceAccount": {"namespace": "ops", "name": "robot"}},
    ]


@pytest.mark.parametrize(
    ("touched", "path"),
    [
        pytest.param(Touched("", "namespaces", "", "", "prod"), "namespaces/prod", id="a cluster-wide object"),
        pytest.param(
            Touched("apps", "deployments", "scale", "shop", "web"),
            "deployments.apps/scale shop/web",
            id="a subresource in a namespace",
        ),
        pytest.param(Touched("", "pods", "", "shop", ""), "pods shop/(generated name)", id="a name not made yet"),
        pytest.param(
            Touched("", "nodes", "", "", "a\u202eb"), "nodes/a\\u{202e}b", id="a name with a mark that turns text"
        ),
    ],
)
def test_the_shown_path_says_what_is_touched(touched: Touched, path: str) -> None:
    """`kubectl get appr` shows a path on which nothing is hidden, and keeps the exact name beside it."""
    target = spec(touched=touched).wire()["target"]
    assert (target["path"], target["name"]) == (path, touched.name)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.timezones()))  # noqa: DTZ001 -- zones are drawn
def test_a_time_keeps_its_second_in_any_zone(moment: datetime) -> None:
    """Writing a time cuts what is below a second, never rounds up, and never shifts by a zone."""
    assert parse_time(time_wire(moment)) == moment.astimezone(UTC).replace(microsecond=0)


def test_another_offset_is_the_same_moment() -> None:
    """A time with an offset is read as that moment in UTC."""
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert parse_time(there.isoformat()) == NOW
    assert parse_time(there.isoformat()).tzinfo is UTC
    assert time_wire(there) == "2026-11-23T14:04:05Z"


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param("2026-11-23T14:04:05", id="no offset"),
        pytest.param("2026-11-23", id="only a day"),
        pytest.param("2026-11-23T14:04:60Z", id="a leap second"),
        pytest.param("0001-01-01T00:00:00+23:59", id="before the first year in UTC"),
        pytest.param("9999-12-31T23:59:59-23:59", id="after the last year in UTC"),
        pytest.param("now", id="a word"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_time_is_refused(wire: str) -> None:
    """Only a moment that everybody agrees on is a time; all else raises ValueError."""
    with pytest.raises(ValueError, match=r"time|offset|isoformat|second|calendar"):
        parse_time(wire)
