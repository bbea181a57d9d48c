"""The spec of an AgentPolicy as its author writes it, read into frozen values.

Says what each field may hold. What fields mean together is `consistency`; expressions and check ids are tried in
`compile`.

Source: names and meanings follow k8s.io/api/admissionregistration/v1 ValidatingAdmissionPolicy
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt
from pydantic.alias_generators import to_camel

from webhook.admission.subject import Subject, SubjectKind
from webhook.admission.verdict import Terms
from webhook.policy.fields import (
    APPROVERS_LIMIT,
    CONDITIONS_LIMIT,
    MATCH_LIMIT,
    READS,
    RULES_LIMIT,
    SELECTOR_LIMIT,
    SET_LIMIT,
    SUBJECTS_LIMIT,
    Account,
    ApiGroup,
    ApiVersion,
    CheckId,
    DecideWithin,
    Default,
    FailurePolicy,
    Glob,
    Globs,
    LabelValue,
    MatchOperation,
    Mode,
    NarrowGlob,
    QualifiedName,
    ResourcePath,
    RuleAction,
    RuleName,
    SelectorOperator,
    Unmatched,
    UseWithin,
    Wait,
)


class _Wire(BaseModel):
    """A part of a policy: camelCase on the wire, unknown fields refused, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class ServiceAccountRef(_Wire):
    """A ServiceAccount, or many by globs."""

    namespace: Glob
    name: Glob


class SubjectEntry(_Wire):
    """Who: exactly one of the three."""

    service_account: ServiceAccountRef | None = None
    group: NarrowGlob | None = None
    user: NarrowGlob | None = None

    def subject(self) -> Subject:
        """Return the entry as the value that matches users."""
        if self.service_account:
            return Subject(SubjectKind.SERVICE_ACCOUNT, self.service_account.name, self.service_account.namespace)
        if self.group:
            return Subject(SubjectKind.GROUP, self.group)
        return Subject(SubjectKind.USER, self.user or "")


Subjects = Annotated[tuple[SubjectEntry, ...], Field(max_length=SUBJECTS_LIMIT)]


class Hold(_Wire):
    """What a holding rule asks of people."""

    # More than ten people never decide in time; each adds about 300 bytes to one annotation.
    approvals: Annotated[StrictInt, Field(ge=1, le=10)] = Terms().approvals
    wait: Wait = Terms().wait_s
    decide_within: DecideWithin = Terms().decide_within_s
    use_within: UseWithin = Terms().use_within_s
    require_reason: StrictBool = Terms().require_reason
    approvers: Annotated[tuple[SubjectEntry, ...], Field(min_length=1, max_length=APPROVERS_LIMIT)] | None = None

    def terms(self) -> Terms:
        """Return the same as the value that the gate works with."""
        return Terms(
            approvals=self.approvals,
            wait_s=self.wait,
            decide_within_s=self.decide_within,
            use_within_s=self.use_within,
            require_reason=self.require_reason,
            approvers=tuple(entry.subject() for entry in self.approvers) if self.approvers else None,
        )


class LabelRequirement(_Wire):
    """What one label must be. Source: k8s.io/apimachinery/pkg/apis/meta/v1 LabelSelectorRequirement."""

    key: QualifiedName
    operator: SelectorOperator
    values: Annotated[tuple[LabelValue, ...], Field(max_length=MATCH_LIMIT)] = ()


class Selector(_Wire):
    """Labels that must be there; all parts must hold, and an empty selector selects everything."""

    match_labels: Annotated[Mapping[str, LabelValue], Field(max_length=SELECTOR_LIMIT)] = Field(default_factory=dict)
    match_expressions: Annotated[tuple[LabelRequirement, ...], Field(max_length=SELECTOR_LIMIT)] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it selects everything, also what has no labels."""
        return not self.match_labels and not self.match_expressions


class MatchCondition(_Wire):
    """One more thing that must be true for a rule to be about a request."""

    name: QualifiedName
    expression: str


class Match(_Wire):
    """Which requests a rule is about; a field that is left out narrows nothing."""

    operations: Annotated[tuple[MatchOperation, ...], Field(min_length=1)] = (MatchOperation.ANY,)
    api_groups: Annotated[tuple[ApiGroup, ...], Field(min_length=1, max_length=MATCH_LIMIT)] = ("*",)
    api_versions: Annotated[tuple[ApiVersion, ...], Field(min_length=1, max_length=MATCH_LIMIT)] = ("*",)
    resources: Annotated[tuple[ResourcePath, ...], Field(min_length=1, max_length=MATCH_LIMIT)] = ("*/*",)
    resource_names: Globs | None = None
    exclude_resource_names: Globs | None = None
    namespaces: Globs | None = None
    exclude_namespaces: Globs | None = None
    namespace_selector: Selector | None = None
    object_selector: Selector | None = None
    match_conditions: Annotated[tuple[MatchCondition, ...], Field(max_length=CONDITIONS_LIMIT)] = ()

    @property
    def is_about_reads(self) -> bool:
        """Whether the authorizer judges by the rule, and not admission."""
        return not READS.isdisjoint(self.operations)


class Rule(_Wire):
    """One rule: match, then checks, then condition; all that are given must hold for the action to follow."""

    name: RuleName
    match: Match | None = None
    check: CheckId | None = None
    checks: Annotated[tuple[CheckId, ...], Field(min_length=1, max_length=MATCH_LIMIT)] | None = None
    parameters: Mapping[str, Any] | None = None
    condition: str | None = None
    message: str | None = None
    action: RuleAction
    hold: Hold | None = None
    sets: Annotated[Mapping[str, Any], Field(min_length=1, max_length=SET_LIMIT)] | None = Field(
        default=None, alias="set"
    )

    @property
    def check_ids(self) -> tuple[str, ...]:
        """The checks and bundles of the rule, however they were written."""
        return (self.check,) if self.check else self.checks or ()


class Defaults(_Wire):
    """Always-on items that may be turned off by name."""

    laundering: Default = Default.DENY
    laundering_except: Annotated[tuple[CheckId, ...], Field(max_length=MATCH_LIMIT)] = ()
    unbound_token: Default = Default.DENY
    kube_system: Default = Default.DENY


class Spec(_Wire):
    """What the author wrote."""

    subjects: Annotated[Subjects, Field(min_length=1)]
    exclude_subjects: Subjects = ()
    mode: Mode = Mode.ENFORCE
    failure_policy: FailurePolicy = FailurePolicy.FAIL
    unmatched: Unmatched = Unmatched.ALLOW
    defaults: Defaults = Defaults()
    params: dict[str, Any] = {}
    service_accounts: Annotated[tuple[Account, ...], Field(max_length=MATCH_LIMIT)] = ()
    rules: Annotated[tuple[Rule, ...], Field(max_length=RULES_LIMIT)] = ()

    @property
    def accounts(self) -> tuple[Subject, ...]:
        """The ServiceAccounts that the agent's Pods may run as, beside its own."""
        parts = (account.partition("/") for account in self.service_accounts)
        return tuple(Subject(SubjectKind.SERVICE_ACCOUNT, name, namespace) for namespace, _, name in parts)
