"""Policies ready to judge: what `compile` makes, `evaluate` asks and registration reads. Values only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from webhook.admission.request import Object, Operation, Request, User
from webhook.admission.subject import Subject
from webhook.admission.verdict import Action, Terms
from webhook.checks.check import Check, Parameters
from webhook.checks.scope import EVERYTHING, Scope
from webhook.policy.assignments import Assignment
from webhook.policy.expression import Expression
from webhook.policy.fields import FailurePolicy, Mode, Unmatched
from webhook.policy.match import may_match, rule_matches
from webhook.policy.problem import Problem
from webhook.policy.spec import Defaults, Match
from webhook.policy.subjects import PolicySubjects, SubjectIndex


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule. `terms` is set exactly when the action is HOLD, `assignments` exactly if it mutates.

    The action of a rule that mutates is what follows where its values do not stand.
    """

    name: str
    action: Action
    match: Match | None = None
    checks: tuple[Check, ...] = ()
    parameters: Mapping[str, Parameters] = field(default_factory=dict)
    """By check id, for the checks that have some."""
    condition: Expression | None = None
    message: Expression | None = None
    terms: Terms | None = None
    match_conditions: tuple[Expression, ...] = ()
    assignments: tuple[Assignment, ...] = ()

    @property
    def is_selective(self) -> bool:
        """Whether being about a request says something: a check of every request, without `match`, says nothing.

        Else one such rule would let pass all that `unmatched` is there to stop.
        """
        return self.match is not None or not any(EVERYTHING in check.scopes for check in self.checks)

    @property
    def is_about_reads(self) -> bool:
        """Whether the authorizer judges by the rule, and not admission."""
        return self.match is not None and self.match.is_about_reads

    def covers(self, request: Request, namespace: Object | None = None) -> bool:
        """Say whether the rule is about the request: by its match, else by its checks, else always.

        Its `match_conditions` are not asked. `namespace` is where the object lies, None where that is not known.
        """
        if self.match is None and self.checks:
            return any(check.covers(request) for check in self.checks)
        return rule_matches(self.match, request, namespace)

    @property
    def reads_namespace(self) -> bool:
        """Whether the rule can be judged only with the Namespace that the object lies in."""
        selector = self.match.namespace_selector if self.match else None
        return (selector is not None and not selector.is_empty) or any(
            "namespaceObject" in expression.reads for expression in self._expressions()
        )

    def may_need_namespace(self, request: Request) -> bool:
        """Say whether a rule that reads the Namespace may be about the request."""
        if self.match is None and self.checks:
            return any(check.covers(request) for check in self.checks)
        return may_match(self.match, request)

    def _expressions(self) -> Iterator[Expression]:
        yield from (each for each in (self.condition, self.message) if each is not None)
        yield from self.match_conditions
        yield from (one.value for one in self.assignments if isinstance(one.value, Expression))


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What every stored policy has, whether it compiled or not: a name, whom it names, how it acts."""

    name: str
    subjects: tuple[Subject, ...] = ()
    exclude_subjects: tuple[Subject, ...] = ()
    mode: Mode = Mode.ENFORCE
    defaults: Defaults = field(default_factory=Defaults)
    accounts: tuple[Subject, ...] = ()
    """ServiceAccounts that the subjects' Pods may run as, beside their own."""
    scopes: tuple[Scope, ...] = (EVERYTHING,)
    """Which requests must be delivered for it, in a form that the API server accepts."""
    _index: SubjectIndex = field(init=False, repr=False, compare=False)
    _excluded: SubjectIndex = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", SubjectIndex.of(self.subjects))
        object.__setattr__(self, "_excluded", SubjectIndex.of(self.exclude_subjects))

    def names(self, user: User) -> bool:
        """Say whether the user is a subject of this policy."""
        return self._index.matches(user) and not self._excluded.matches(user)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPolicy(Named):
    """One policy that compiled."""

    failure_policy: FailurePolicy = FailurePolicy.FAIL
    unmatched: Unmatched = Unmatched.ALLOW
    params: Object = field(default_factory=dict)
    """What its expressions see as `params`."""
    rules: tuple[CompiledRule, ...] = ()
    reads: tuple[CompiledRule, ...] = ()
    """The rules about reads: the authorizer asks them, and they are asked what a deletion may answer with."""
    mutations: tuple[CompiledRule, ...] = ()
    """The rules that mutate; they are in no other way about a request."""
    mutation_scopes: tuple[Scope, ...] = ()
    """Which requests must be delivered for these, before they are judged."""
    _namespace_rules: tuple[CompiledRule, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Named.__post_init__(self)
        reading = tuple(rule for rule in (*self.rules, *self.mutations) if rule.reads_namespace)
        object.__setattr__(self, "_namespace_rules", reading)

    def needs_namespace(self, request: Request) -> bool:
        """Say whether a rule must know the Namespace that the object lies in to judge this request."""
        return any(rule.may_need_namespace(request) for rule in self._namespace_rules)

    def mutates(self, operation: Operation) -> bool:
        """Say whether there are values that must stand after this operation."""
        return bool(self.mutations) and operation in (Operation.CREATE, Operation.UPDATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPolicy(Named):
    """One stored policy that did not compile: whatever its subjects ask is denied, so everything must be delivered.

    `subjects` are the entries that could be read. None readable = it stops nobody, and must be reported.
    """

    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicySet:
    """All policies of a cluster at one moment. `revision` is 16 hex digits and changes with any of them."""

    policies: tuple[CompiledPolicy, ...] = ()
    broken: tuple[BrokenPolicy, ...] = ()
    revision: str = ""

    @property
    def subjects(self) -> tuple[PolicySubjects, ...]:
        """All entries with their exclusions, policy by policy, broken ones last."""
        return tuple(PolicySubjects(p.name, p.subjects, p.exclude_subjects) for p in (*self.policies, *self.broken))

    def needs_namespace(self, request: Request) -> bool:
        """Say whether a rule about the user must know the Namespace that the object lies in."""
        return bool(request.lies_in) and any(
            policy.needs_namespace(request) for policy in self.policies if policy.names(request.user)
        )

    def is_agent(self, user: User) -> bool:
        """Say whether the user is a subject of any policy, in whatever mode; such a user approves nothing."""
        return any(policy.names(user) for policy in (*self.policies, *self.broken))
