"""What the fields of a policy mean together: mistakes that no single field shows."""

import re
from collections.abc import Iterator
from itertools import chain

from webhook.checks.wording import quoted
from webhook.policy.duration import duration_text
from webhook.policy.fields import FORMS, QUALIFIED, READS, MatchOperation, RuleAction, SelectorOperator
from webhook.policy.problem import Problem
from webhook.policy.spec import Match, Rule, Selector, Spec, SubjectEntry

OWN_POLICY = "kubescrow"
"""The policy name that findings of the always-on rules carry; no AgentPolicy may have it."""

UNMATCHED_RULE = "unmatched"
"""The rule name that findings of `spec.unmatched` carry; no rule may have it."""

KEY_LIMIT = 317
"""Characters of a label key: a DNS name, a slash and a name. Source: k8s.io/apimachinery/pkg/util/validation"""

_NOT_TO_MUTATE = frozenset({"*", "status", "finalize", "approval"})
"""Subresources of which the API server takes nothing that a Mutate may write, so that its value could never stand; a
wildcard has them too, and what else it has is seldom what the author thinks of.

Source: k8s.io/kubernetes/pkg/registry (PrepareForUpdate of the status strategies)
"""

_TO_MUTATE = (
    "resources without subresources, such as deployments or *, and subresources by name, such as deployments/scale, "
    "but not status, finalize or approval, with action Mutate"
)

_EVERYBODY = frozenset({"system:authenticated", "system:unauthenticated"})


def inconsistencies(name: str, spec: Spec) -> tuple[Problem, ...]:
    """Return every contradiction in a policy, in the order of its fields."""
    rules = chain.from_iterable(_in_rule(f"spec.rules[{i}]", rule) for i, rule in enumerate(spec.rules))
    return tuple(
        chain(
            _in_name(name),
            chain.from_iterable(subject_problems(f"spec.subjects[{i}]", s) for i, s in enumerate(spec.subjects)),
            chain.from_iterable(
                subject_problems(f"spec.excludeSubjects[{i}]", s, may_be_everybody=True)
                for i, s in enumerate(spec.exclude_subjects)
            ),
            _repeated_names(spec),
            rules,
        )
    )


def _in_name(name: str) -> Iterator[Problem]:
    if name == OWN_POLICY:
        yield Problem("metadata.name", quoted(name), "another name, this one stands for the always-on rules")


def subject_problems(path: str, entry: SubjectEntry, *, may_be_everybody: bool = False) -> Iterator[Problem]:
    """Yield what is wrong with one entry; only agents may be meant, and only an exclusion may mean everybody."""
    given = [field for field in ("serviceAccount", "group", "user") if _has(entry, field)]
    if len(given) != 1:
        found = " together with ".join(given) or "an empty entry"
        yield Problem(path, found, "exactly one of serviceAccount, group, user")
    if entry.group in _EVERYBODY and not may_be_everybody:
        yield Problem(f"{path}.group", quoted(entry.group), "a group of agents; this one holds everybody")


def _has(entry: SubjectEntry, field: str) -> bool:
    return getattr(entry, "service_account" if field == "serviceAccount" else field) is not None


def _repeated_names(spec: Spec) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, rule in enumerate(spec.rules):
        if rule.name in seen:
            path = f"spec.rules[{index}].name"
            yield Problem(path, quoted(rule.name), "a name that no other rule of the policy has", rule.name)
        seen.add(rule.name)


def _in_rule(path: str, rule: Rule) -> Iterator[Problem]:
    if rule.name == UNMATCHED_RULE:
        yield Problem(f"{path}.name", quoted(rule.name), "another name, this one stands for spec.unmatched", rule.name)
    if rule.check and rule.checks:
        yield Problem(f"{path}.checks", "a list beside check", "either check or checks", rule.name)
    yield from _in_match(f"{path}.match", rule)
    yield from _in_reads(path, rule)
    yield from _in_set(path, rule)
    if rule.hold is None:
        return
    if rule.action is not RuleAction.HOLD:
        yield Problem(f"{path}.hold", f"hold with action {rule.action}", "it only with action Hold", rule.name)
    if rule.hold.wait > rule.hold.decide_within:
        allowed = f"at most decideWithin, {duration_text(rule.hold.decide_within)}"
        yield Problem(f"{path}.hold.wait", quoted(duration_text(rule.hold.wait)), allowed, rule.name)
    for index, entry in enumerate(rule.hold.approvers or ()):
        for problem in subject_problems(f"{path}.hold.approvers[{index}]", entry, may_be_everybody=True):
            yield Problem(problem.path, problem.found, problem.allowed, rule.name)


def _in_reads(path: str, rule: Rule) -> Iterator[Problem]:
    """Nobody can be asked about a read, and it shows no object: its address alone says whether it passes."""
    match = rule.match
    if match is None or not match.is_about_reads:
        return
    if not READS.issuperset(match.operations):
        found, allowed = (
            quoted(", ".join(match.operations)),
            f"{', '.join(sorted(READS))}, or none of them, in one rule",
        )
        yield Problem(f"{path}.match.operations", found, allowed, rule.name)
    if rule.action is not RuleAction.DENY:
        yield Problem(f"{path}.action", f"{rule.action} of a read", "Deny for reads", rule.name)
    if rule.check_ids:
        yield Problem(f"{path}.{'check' if rule.check else 'checks'}", "a check of a read", "a condition", rule.name)
    for field, selector in (("namespaceSelector", match.namespace_selector), ("objectSelector", match.object_selector)):
        if selector is not None:
            allowed = "namespaces and resourceNames, with their excludes, for reads"
            yield Problem(f"{path}.match.{field}", "labels of a read", allowed, rule.name)


def _in_match(path: str, rule: Rule) -> Iterator[Problem]:
    match = rule.match or Match()
    for field, selector in (("namespaceSelector", match.namespace_selector), ("objectSelector", match.object_selector)):
        if selector is not None:
            yield from _in_selector(f"{path}.{field}", selector, rule.name)
    seen: set[str] = set()
    for index, condition in enumerate(match.match_conditions):
        if condition.name in seen:
            where = f"{path}.matchConditions[{index}].name"
            yield Problem(where, quoted(condition.name), "a name that no other condition of the rule has", rule.name)
        seen.add(condition.name)


def _in_selector(path: str, selector: Selector, rule: str) -> Iterator[Problem]:
    for key in selector.match_labels:
        if not re.fullmatch(QUALIFIED, key) or len(key) > KEY_LIMIT:
            yield Problem(f"{path}.matchLabels", quoted(key), FORMS[QUALIFIED], rule)
    for index, part in enumerate(selector.match_expressions):
        needs_values = part.operator in {SelectorOperator.IN, SelectorOperator.NOT_IN}
        if needs_values != bool(part.values):
            found = f"{len(part.values)} values with operator {part.operator}"
            allowed = "values with In and NotIn, none with Exists and DoesNotExist"
            yield Problem(f"{path}.matchExpressions[{index}].values", found, allowed, rule)


def _in_set(path: str, rule: Rule) -> Iterator[Problem]:
    mutates = rule.action is RuleAction.MUTATE
    if mutates != (rule.sets is not None):
        found = "Mutate without set" if mutates else f"set with action {rule.action}"
        yield Problem(f"{path}.set", found, "set with action Mutate, and only there", rule.name)
    operations = set(rule.match.operations) if rule.match else {MatchOperation.ANY}
    if mutates and not operations <= {MatchOperation.CREATE, MatchOperation.UPDATE}:
        found = quoted(", ".join(sorted(operations)))
        yield Problem(f"{path}.match.operations", found, "CREATE, UPDATE or both with action Mutate", rule.name)
    for index, resource in enumerate((rule.match or Match()).resources if mutates else ()):
        if resource.partition("/")[2] in _NOT_TO_MUTATE:
            yield Problem(f"{path}.match.resources[{index}]", quoted(resource), _TO_MUTATE, rule.name)
