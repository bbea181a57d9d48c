"""The values that single fields of an AgentPolicy may hold: words, names, globs, durations, and their limits.

The CRD says the same to kubectl, by the same patterns.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from webhook.policy.duration import duration_s, duration_text

_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
_GLOB = r"^\*?[^*]*\*?$"
_NARROW_GLOB = r"^\*?[^*]+\*?$"
_API_GROUP = r"^(\*|[a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"
_ACCOUNT = r"^\*?[^*/]*\*?/\*?[^*/]*\*?$"
_API_VERSION = r"^(\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$"
_DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
QUALIFIED = rf"^({_DNS}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?$"
_LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
_RESOURCE = r"^(\*|[a-z0-9][-a-z0-9.]*)(/(\*|[a-z0-9][-a-z0-9.]*))?$"

FORMS = {
    _LABEL: "lower case letters, digits and -, such as no-privileged-pods",
    _SUBDOMAIN: "lower case letters, digits, - and ., such as agents-in-production",
    _GLOB: "a name, with * at its start or end at most",
    _NARROW_GLOB: "a name, with * at its start or end at most, and not * alone, which names everybody",
    _API_GROUP: 'an API group such as apps, "" for the core group, or *',
    _ACCOUNT: "namespace/name of a ServiceAccount, each with * at its start or end at most, such as agents/worker",
    _API_VERSION: "a version such as v1 or v1beta1, or *",
    QUALIFIED: "letters, digits, -, _ and ., with a DNS prefix and / before it if wanted, such as example.com/team",
    _LABEL_VALUE: "a label value: letters, digits, -, _ and ., such as production",
    _RESOURCE: "a resource such as pods, pods/exec, pods/*, */scale, * or */*",
}
"""What each pattern means, for people."""

# A DNS label, so that `policy/rule` is one readable word in messages and one annotation value.
RuleName = Annotated[str, Field(pattern=_LABEL, max_length=63)]
CheckId = RuleName
# What the API server takes as the name of an object.
PolicyName = Annotated[str, Field(pattern=_SUBDOMAIN, max_length=253)]
# Object names are at most 253 characters; `*` only at the ends, so that a match is one string comparison.
Glob = Annotated[str, Field(pattern=_GLOB, min_length=1, max_length=253)]
# A user or group of `*` alone would name every person and controller, and nobody could mend the policy any more.
NarrowGlob = Annotated[str, Field(pattern=_NARROW_GLOB, min_length=1, max_length=253)]
# `namespace/name`, as DNS names are: 63 and 253 characters.
Account = Annotated[str, Field(pattern=_ACCOUNT, min_length=3, max_length=317)]
ApiGroup = Annotated[str, Field(pattern=_API_GROUP, max_length=253)]
ApiVersion = Annotated[str, Field(pattern=_API_VERSION, max_length=63)]
# Kubernetes: a prefix of 253 characters, a slash, a name of 63.
QualifiedName = Annotated[str, Field(pattern=QUALIFIED, min_length=1, max_length=317)]
LabelValue = Annotated[str, Field(pattern=_LABEL_VALUE, max_length=63)]
ResourcePath = Annotated[str, Field(pattern=_RESOURCE, max_length=253)]
# 100 names in one list are more than a reader can check, and 100 comparisons are still only microseconds.
MATCH_LIMIT = 100
# Nobody reads a selector of more than ten parts, and the cost limit of the CRD's rules multiplies by it.
SELECTOR_LIMIT = 10
# As many as Kubernetes takes in the matchConditions of a webhook or policy.
CONDITIONS_LIMIT = 64
# A rule that writes more than 50 places is several rules.
SET_LIMIT = 50
# An Approval keeps the approvers of each rule, at most this many (manifests/crds/approvals.yaml).
APPROVERS_LIMIT = 64
# 2,000 subjects are about 120 KB of match conditions, three webhooks of the 50 KB that one may have.
SUBJECTS_LIMIT = 2000
# etcd stores objects up to 1.5 MiB; the shortest useful rule has about 300 bytes.
RULES_LIMIT = 5000

Globs = Annotated[tuple[Glob, ...], Field(min_length=1, max_length=MATCH_LIMIT)]


class Mode(StrEnum):
    """Whether a policy stops anything."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class FailurePolicy(StrEnum):
    """What an expression that errs does."""

    FAIL = "Fail"
    IGNORE = "Ignore"


class Unmatched(StrEnum):
    """What happens to a request that no rule is about."""

    ALLOW = "Allow"
    HOLD = "Hold"
    DENY = "Deny"


class Default(StrEnum):
    """Whether an always-on item stays on."""

    DENY = "Deny"
    ALLOW = "Allow"


class RuleAction(StrEnum):
    """What a rule does with what it finds."""

    DENY = "Deny"
    HOLD = "Hold"
    WARN = "Warn"
    MUTATE = "Mutate"


class SelectorOperator(StrEnum):
    """How a selector looks at one label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class MatchOperation(StrEnum):
    """An operation that a rule is about."""

    ANY = "*"
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"
    GET = "GET"
    LIST = "LIST"
    WATCH = "WATCH"
    IMPERSONATE = "IMPERSONATE"


READS = frozenset({MatchOperation.GET, MatchOperation.LIST, MatchOperation.WATCH, MatchOperation.IMPERSONATE})
"""What only the authorizer sees; `*` does not mean them."""


def _seconds(least_s: int, most_s: int) -> Callable[[Any], int]:
    """Make the reader of a bounded duration."""
    bounds = (
        f"a duration of {duration_text(least_s)} to {duration_text(most_s)}, such as {duration_text(least_s or 60)}"
    )

    def read(value: Any) -> int:
        try:
            seconds = duration_s(value)
        except (TypeError, ValueError):
            seconds = -1
        if not least_s <= seconds <= most_s:
            raise PydanticCustomError("duration", "{bounds}", {"bounds": bounds})
        return seconds

    return read


# No client keeps a command open for longer than a day.
Wait = Annotated[int, BeforeValidator(_seconds(0, 24 * 3600))]
# Nobody reads a change in under a minute; after a week what was shown is no longer what is there.
DecideWithin = Annotated[int, BeforeValidator(_seconds(60, 7 * 24 * 3600))]
# A client's retries come seconds apart; an approval that is good for days is a standing permission.
UseWithin = Annotated[int, BeforeValidator(_seconds(10, 24 * 3600))]
