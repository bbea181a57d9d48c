"""Makes policies runnable: expressions compiled, checks looked up, scopes worked out, each once.

One policy: all its mistakes at once, for its author. All stored policies: never an exception; one that does not
compile becomes a `BrokenPolicy`, which denies its subjects everything until it is mended.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

from webhook.admission.verdict import Action, Terms
from webhook.checks import BUNDLES, CHECK_BY_ID, laundering, named
from webhook.checks.scope import EVERYTHING, Scope
from webhook.checks.wording import quoted
from webhook.policy.assignments import assignments_of, contradictions, volatile_sources
from webhook.policy.compiled import BrokenPolicy, CompiledPolicy, CompiledRule, PolicySet
from webhook.policy.expression import Expression, Returns
from webhook.policy.fields import RuleAction, Unmatched
from webhook.policy.match import scope_of
from webhook.policy.model import AgentPolicy, InvalidPolicy, Problem, parse_policy
from webhook.policy.parameters import parameters_of
from webhook.policy.reads import objects_of_reads
from webhook.policy.salvage import salvaged
from webhook.policy.sources import expression_of
from webhook.policy.spec import Defaults, Rule
from webhook.policy.variables import PARAMS_LIMIT_BYTES, are_fit

__all__ = [
    "BrokenPolicy",
    "CompiledPolicy",
    "CompiledRule",
    "PolicySet",
    "Scope",
    "compile_policy",
    "compile_set",
    "identity_of",
    "policy_outcome",
]

_ACTIONS = {
    RuleAction.DENY: Action.DENY,
    RuleAction.HOLD: Action.HOLD,
    RuleAction.WARN: Action.WARN,
    RuleAction.MUTATE: Action.DENY,  # where its values do not stand
}


def compile_policy(policy: AgentPolicy) -> CompiledPolicy:
    """Make one policy runnable.

    Raises:
        InvalidPolicy: an expression does not compile or a check is unknown; with all such problems.
    """
    problems = list(_unknown_exceptions(policy.spec.defaults))
    spec = policy.spec
    rules = tuple(_rule(i, rule, problems) for i, rule in enumerate(spec.rules))
    problems.extend(contradictions(spec.rules, {rule.name: rule.assignments for rule in rules}))
    if not are_fit(spec.params):
        allowed = f"JSON of at most {PARAMS_LIMIT_BYTES} bytes, nested less than 250 deep, with 64-bit integers, no NUL"
        problems.append(Problem("spec.params", "a value that no expression can read", allowed))
    if problems:
        raise InvalidPolicy(policy.name, problems)
    mutations = tuple(rule for rule in rules if rule.assignments)
    reads = tuple(rule for rule in rules if rule.is_about_reads)
    return CompiledPolicy(
        name=policy.name,
        subjects=tuple(entry.subject() for entry in spec.subjects),
        exclude_subjects=tuple(entry.subject() for entry in spec.exclude_subjects),
        mode=spec.mode,
        defaults=spec.defaults,
        accounts=spec.accounts,
        scopes=_scopes(rules, spec.unmatched),
        reads=reads,
        failure_policy=spec.failure_policy,
        unmatched=spec.unmatched,
        params=spec.params,
        rules=tuple(rule for rule in rules if not rule.assignments and not rule.is_about_reads),
        mutations=mutations,
        mutation_scopes=_scopes(mutations, Unmatched.ALLOW),
    )


def compile_set(
    objs: Iterable[Mapping[str, Any]],
    outcome_of: Callable[[Mapping[str, Any]], CompiledPolicy | BrokenPolicy] | None = None,
) -> PolicySet:
    """Make all stored policies runnable; never raises, whatever the objects.

    `outcome_of` makes one of them runnable where there is a better way than to do it anew, as a memory.
    """
    stored = tuple(objs)
    outcomes = [(outcome_of or policy_outcome)(obj) for obj in stored]
    return PolicySet(
        policies=tuple(sorted((o for o in outcomes if isinstance(o, CompiledPolicy)), key=lambda p: p.name)),
        broken=tuple(sorted((o for o in outcomes if isinstance(o, BrokenPolicy)), key=lambda p: p.name)),
        revision=revision_of(stored),
    )


def policy_outcome(obj: Mapping[str, Any]) -> CompiledPolicy | BrokenPolicy:
    """Make one stored policy runnable, or a broken one of it."""
    try:
        return compile_policy(parse_policy(obj))
    except InvalidPolicy as err:
        return salvaged(obj, err)


def revision_of(stored: Iterable[Mapping[str, Any]]) -> str:
    """Name a set of policies by what it is made of, in no order."""
    identities = sorted(json.dumps(identity_of(obj)) for obj in stored)
    return hashlib.sha256("\n".join(identities).encode()).hexdigest()[:16]


def identity_of(obj: Any) -> tuple[str | int, ...]:
    """Name one writing of a policy: the API server raises the generation with each change of the spec."""
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    values = [metadata.get(key) for key in ("name", "uid", "generation")] if isinstance(metadata, Mapping) else []
    return tuple(value if isinstance(value, str | int) else "" for value in values)


def _rule(index: int, rule: Rule, problems: list[Problem]) -> CompiledRule:
    """Make one rule runnable; what is wrong is added to `problems`, and the rule is then of no use."""
    path = f"spec.rules[{index}]"
    problems.extend(_unknown_checks(path, rule))
    terms = rule.hold.terms() if rule.hold else Terms()
    checks = tuple(dict.fromkeys(check for check_id in rule.check_ids for check in named(check_id)))
    if rule.sets:
        problems.extend(volatile_sources(rule, path=path))
    compiled = CompiledRule(
        name=rule.name,
        action=_ACTIONS[rule.action],
        match=rule.match,
        checks=checks,
        parameters=parameters_of(checks, rule.parameters, path=path, rule=rule.name, problems=problems),
        condition=_expression(rule, path, "condition", problems),
        message=_expression(rule, path, "message", problems),
        terms=terms if rule.action is RuleAction.HOLD else None,
        match_conditions=_match_conditions(rule, path, problems),
        assignments=assignments_of(rule, path=path, problems=problems),
    )
    if compiled.is_about_reads:
        problems.extend(objects_of_reads(compiled, path=path))
    return compiled


def _unknown_checks(path: str, rule: Rule) -> Iterator[Problem]:
    for index, check_id in enumerate(rule.check_ids):
        if not named(check_id):
            where = f"{path}.check" if rule.check else f"{path}.checks[{index}]"
            yield Problem(where, quoted(check_id), _closest(check_id, (*BUNDLES, *CHECK_BY_ID)), rule.name)


def _unknown_exceptions(defaults: Defaults) -> Iterator[Problem]:
    known = [check.id for check in laundering.CHECKS]
    for index, check_id in enumerate(defaults.laundering_except):
        if check_id not in known:
            where = f"spec.defaults.launderingExcept[{index}]"
            yield Problem(where, quoted(check_id), _closest(check_id, known))


def _closest(check_id: str, known: Sequence[str]) -> str:
    """Say what may have been meant; all of them would be longer than a message may be."""
    alike = get_close_matches(check_id, known, n=5, cutoff=0.5)
    return f"one of docs/checks.md, perhaps {', '.join(alike)}" if alike else "one of docs/checks.md"


def _expression(
    rule: Rule, path: str, field: Literal["condition", "message"], problems: list[Problem]
) -> Expression | None:
    source = rule.condition if field == "condition" else rule.message
    if source is None:
        return None
    returns: Returns = "bool" if field == "condition" else "string"
    return expression_of(source, returns, path=f"{path}.{field}", rule=rule.name, problems=problems)


def _match_conditions(rule: Rule, path: str, problems: list[Problem]) -> tuple[Expression, ...]:
    conditions = rule.match.match_conditions if rule.match else ()
    compiled = (
        expression_of(
            one.expression,
            "bool",
            path=f"{path}.match.matchConditions[{index}].expression",
            rule=rule.name,
            problems=problems,
        )
        for index, one in enumerate(conditions)
    )
    return tuple(expression for expression in compiled if expression is not None)


def _scopes(rules: tuple[CompiledRule, ...], unmatched: Unmatched) -> tuple[Scope, ...]:
    """Collect what the rules need delivered; a request that no rule is about needs everything delivered."""
    scopes = {scope for rule in rules for scope in _scopes_of(rule)}
    if unmatched is not Unmatched.ALLOW or EVERYTHING in scopes:
        return (EVERYTHING,)
    return tuple(sorted(scopes))


def _scopes_of(rule: CompiledRule) -> Iterator[Scope]:
    if rule.match is not None:
        yield scope_of(rule.match)
    elif rule.checks:
        for check in rule.checks:
            yield from check.scopes
    else:
        yield EVERYTHING
